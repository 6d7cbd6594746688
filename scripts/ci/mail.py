"""The mail about a build, and the message to a webhook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scripts.ci.report import (
    UNDONE,
    Build,
    causes,
    changed_by,
    in_words,
    refusal_of,
    rejected,
    release_name,
    subject,
    withdrawn,
)
from scripts.command.outcome import REFUSED


def mail_of(build: Build) -> str:
    parts = [_head(build), _why(build), _serving(build), _changes(build)]
    parts += [_models(build), _links(build)]
    return "\n\n".join(filter(None, parts)) + "\n"


def message_of(build: Build) -> dict[str, Any]:
    """For a webhook: `text` is what Slack, Mattermost and Teams show."""
    parts = (subject(build), _why(build, lines=5), _serving(build), _models(build), build.url)
    return {"text": "\n".join(filter(None, parts))}


def _head(build: Build) -> str:
    if build.scope == "documents":
        return (
            f"{subject(build)}\nOnly documents changed: nothing was trained, nothing was deployed."
        )
    return subject(build)


def _why(build: Build, lines: int = 30) -> str:
    if build.result == "SUCCESS":
        return ""
    parts = causes(build)[:lines]
    if build.goal and not refusal_of(build):
        said = build.last_words.splitlines()[-lines:]
        parts += [f"`make {build.goal}` failed; its last words:", *(f"    {line}" for line in said)]
    return "\n".join(["Why:", *(parts or ["see the log: " + build.url + "console"])])


def _serving(build: Build) -> str:
    """What serves now, as far as this build knows; said above all where it did not go well."""
    code, reason = build.deploy.get("code"), build.deploy.get("reason", "")
    if withdrawn(build):
        on = build.deploy.get("serves")
        return f"Serving: {f'release {on}' if on else 'nothing'}. What was built is not deployed: {withdrawn(build)}"
    if code == 0:
        record = build.deploy.get("record", {})
        return f"Serving: release {record.get('release', release_name(build))}."
    if code is None:
        return _serving_on(build)
    serves = build.deploy.get("serves")
    if code != REFUSED and not serves:
        return f"Serving: what is there now is not verified: {reason}"
    what = f"release {serves}" if serves else "what served before"
    return f"Serving: {what} still serves; {UNDONE[changed_by(build)]}: {reason}"


def _serving_on(build: Build) -> str:
    """Where this build has seen no deploy to its end."""
    if "code" in build.deploy:
        return f"Serving: not known to this build: {build.deploy['reason']}"
    if build.result != "SUCCESS":
        return "Serving: nothing was deployed; the release that served before still serves."
    if build.plan == "nothing":
        return f"Serving: release {release_name(build)}, as before; nothing had changed."
    return ""


def _changes(build: Build) -> str:
    """What the image holds against what served when the build planned its deploy."""
    if not build.changes:
        return ""
    lines = [*build.changes["models"], *build.changes["code"]]
    against = build.changes["serves"] or "nothing, for it is the first"
    title = f"Release {build.changes['release']} against {against}:"
    return "\n".join([title, *(f"  {line}" for line in lines or ["nothing changes"])])


def _models(build: Build) -> str:
    if not build.trainings:
        return ""
    return "\n".join(
        ["Trained, or found trained:", *(line for each in build.trainings for line in _model(each))]
    )


def _model(training: dict[str, Any]) -> Iterator[str]:
    version = f"version {training['version']}" if training["version"] else "refused"
    yield f"  {training['model']}: {version}, {training['status']}{rejected(training)}"
    for metric, value in training["metrics"].items():
        champion = training["champion"].get(metric)
        beside = "" if champion is None else f" (champion {champion:.4g}, {value - champion:+.2g})"
        yield f"    {metric} {value:.4g}{beside}"
    for rule in training["gates"]:
        if not rule["passed"]:
            yield f"    FAIL {in_words(rule)}"


def _links(build: Build) -> str:
    if not build.url:
        return ""
    pages = {"Build": "", "Log": "console", "Tests and data": "testReport", "Files": "artifact"}
    return "\n".join(f"{title}: {build.url}{path}" for title, path in pages.items())


def harmless(text: str) -> str:
    """Jenkins' mail fills in what looks like ${THIS}; a quoted log shall stay as it is."""
    return re.sub(r"\$(?=[A-Za-z_{])", "$ ", text)
