"""The pages of what was: releases, and the trace of a prediction."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from monitoring.pages import access
from monitoring.pages.contents import trace
from monitoring.pages.outside.journal import IDENTITY
from monitoring.pages.sources import PageSettings, Sources


def install(pages: Blueprint, settings: PageSettings, sources: Sources) -> None:

    @pages.get("/releases", endpoint="releases")
    def show_releases() -> str:
        key, answer = access.caller(), sources.ledger.releases()
        releases = [
            release._replace(
                models={name: arms for name, arms in release.models.items() if key.covers(name)}
            )
            for release in answer.releases
        ]
        job = settings.jenkins_url.rstrip("/")
        return render_template(
            "releases.html",
            now=access.now(),
            ledger=answer._replace(releases=tuple(releases)),
            rollback_job=job and f"{job}/job/swarmline/job/rollback/",
        )

    @pages.get("/trace", endpoint="trace")
    def show_trace() -> str:
        identity = request.args.get("id", "").strip()
        lines, more, fault = _trace(identity, sources) if identity else ([], False, "")
        return render_template(
            "trace.html",
            now=access.now(),
            identity=identity,
            predictions=lines,
            more=more,
            fault=fault,
        )


def _trace(identity: str, sources: Sources) -> tuple[list[dict[str, Any]], bool, str]:
    if sources.journal is None:
        return [], False, "The monitor was told no journal."
    if not IDENTITY.fullmatch(identity):
        return [], False, "This is no id: allowed are letters, digits and ._:-, 128 at most."
    lines, more = trace.predictions(
        sources.journal,
        identity,
        access.caller(),
        sources.ledger.document,
        sources.versions.of,
    )
    fault = (
        ""
        if lines
        else (
            "The journal has no such prediction: it may still be on its way, or be older than"
            " predictions are kept, or of another stack. Traces are looked for in the last seven days."
        )
    )
    return lines, more, fault
