"""`create_pages`: the pages under their prefix, as a blueprint that `serve` puts beside the metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from markupsafe import Markup

from monitoring.pages import access, words
from monitoring.pages.access import NoSuchPage
from monitoring.pages.contents import curves, pictures, runbook
from monitoring.pages.sources import PageSettings, Sources
from monitoring.pages.views import experiments, history, model, state

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def create_pages(settings: PageSettings, sources: Sources) -> Blueprint:
    """All routes below `settings.prefix`. Every one asks for a key of scope admin."""
    pages = Blueprint(
        "pages",
        __name__,
        url_prefix=settings.prefix,
        template_folder="templates",
        static_folder=None,
    )
    # Else Flask would lead from `//` to the scheme and host that it sees, before anybody's key was asked for.
    pages.record_once(lambda state: setattr(state.app.url_map, "merge_slashes", False))
    access.guard(pages, settings.authenticator, settings.loopback_only)
    assets = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}
    text = runbook.read(settings.runbook)
    _install_words(pages, assets, text, settings.runbook_url)
    state.install(pages, settings, sources)
    model.install(pages, sources)
    history.install(pages, settings, sources)
    experiments.install(pages, sources.store)

    @pages.get("/static/<name>")
    def static(name: str) -> Response:
        if name not in assets:
            raise NoSuchPage("There is no such file.")
        response = Response(assets[name], content_type=TYPES[Path(name).suffix])
        # Its address has a hash of what is in it.
        response.headers["Cache-Control"] = "private, max-age=86400"
        return response

    @pages.get("/runbook", endpoint="runbook")
    def show_runbook() -> Any:
        if text is not None:
            return render_template("runbook.html", text=text)
        if settings.runbook_url:
            return redirect(settings.runbook_url)
        raise NoSuchPage("This installation has no copy of docs/runbook.md; the repository has it.")

    @pages.get("", endpoint="slash")
    def add_slash() -> Any:
        # Flask's own would go to the scheme and host that it sees, behind the edge others than the caller's.
        return redirect(f"{settings.prefix}/")

    @pages.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def other(path: str) -> Response:  # pylint: disable=unused-argument
        # Else Flask would answer before anybody's key was asked for.
        if request.method not in access.READING:
            return _refuse_change()
        raise NoSuchPage("See the pages named above.")

    pages.add_url_rule("/", "change", _refuse_change, methods=["POST", "PUT", "PATCH", "DELETE"])
    return pages


def _refuse_change() -> Response:
    fault = access.Fault(
        405, "Nothing can be changed here", "These pages are read only: GET and HEAD."
    )
    response = Response(render_template("fault.html", fault=fault), 405, content_type=access.HTML)
    response.headers["Allow"] = ", ".join(access.READING)
    return response


def _install_words(
    pages: Blueprint, assets: dict[str, bytes], text: Markup | None, runbook_url: str
) -> None:
    """What templates may call."""
    versions = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in assets.items()}

    def entry(kind: str) -> str:
        base = url_for(".runbook") if text is not None or not runbook_url else runbook_url
        return f"{base}#{runbook.entry(kind)}"

    filters: dict[str, Callable[..., Any]] = {
        "number": words.number,
        "percent": words.percent,
        "time": words.time,
        "age": words.age,
        "duration": words.duration,
        "stamp": words.stamp,
        "plural": words.plural,
        "metric": words.metric_title,
        "mood": words.MOODS.__getitem__,
        "verdict_mood": words.VERDICTS.__getitem__,
        "words": pictures.histogram_words,
        "kind": lambda kind: runbook.alarm_kind(kind).title,
        "title_of": lambda column, kind: (
            words.metric_title(column) if kind in ("estimate", "quality", "trust") else column
        ),
        "entry": entry,
    }

    def static(name: str) -> str:
        return url_for(".static", name=name, v=versions[name])

    for name, function in filters.items():
        pages.add_app_template_filter(function, name)

    @pages.context_processor
    def values() -> dict[str, Any]:
        return {
            "static": static,
            "ok": words.OK,
            "raised": words.RAISED,
            "unknown": words.UNKNOWN,
            "span": lambda record: words.span(record.start, record.end),
            "address": curves.window_address,
        }
