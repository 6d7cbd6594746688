"""The page of a build's reports: what it came to, the models beside their champions, and the way to everything else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from scripts.ci.mail import mail_of
from scripts.ci.report import Build, causes, rejected, subject

#: No script and nothing from elsewhere: Jenkins lets pages have neither.
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.5rem } td, th { padding: .25rem .75rem; text-align: left }
th.number { width: 8rem }
th { border-bottom: 2px solid #c8d1da; padding-top: .75rem } td { border-bottom: 1px solid #e4e9ee }
.number { text-align: right; font-variant-numeric: tabular-nums } .failed { color: #b3261e }
pre { background: #f4f6f8; padding: 1rem; overflow-x: auto; white-space: pre-wrap } h2 { margin: 1.5rem 0 .25rem }
"""
PAGES = {"card.html": "model card", "validation.html": "data", "training.json": "training"}


def page(build: Build, reports: Path) -> str:
    title = escape(subject(build))
    body = "\n".join(_parts(build, reports))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _parts(build: Build, reports: Path) -> Iterator[str]:
    if reasons := causes(build):
        lines = "".join(f"<li>{escape(cause)}</li>" for cause in reasons)
        yield f'<h2 class="failed">Why</h2>\n<ul class="failed">{lines}</ul>'
    trained = {training["model"]: training for training in build.trainings}
    folders = {path.parent.name for name in PAGES for path in reports.glob(f"*/{name}")}
    for model in sorted(trained.keys() | folders):
        yield f"<h2>{escape(model)}</h2>"
        yield _links(reports / model)
        if model in trained:
            yield _table(trained[model])
    if (reports / "coverage/index.html").is_file():
        yield '<h2>Tests</h2>\n<p><a href="coverage/index.html">coverage of the unit tests</a></p>'
    if (reports / "monitor/index.html").is_file():
        yield '<h2>Monitor</h2>\n<p><a href="monitor/index.html">what the monitor said</a></p>'
    yield f"<h2>In words</h2>\n<pre>{escape(mail_of(build))}</pre>"


def _links(folder: Path) -> str:
    there = [(name, words) for name, words in PAGES.items() if (folder / name).is_file()]
    links = [f'<a href="{escape(folder.name)}/{name}">{words}</a>' for name, words in there]
    return f"<p>{' · '.join(links)}</p>"


def _table(training: dict[str, Any]) -> str:
    version = f"version {training['version']}" if training["version"] else "refused"
    metrics = [
        _row("td", "", name, value, training["champion"].get(name))
        for name, value in training["metrics"].items()
    ]
    rules = [
        _row("td", "" if rule["passed"] else "failed", _verdict(rule), rule["value"], rule["bound"])
        for rule in sorted(training["gates"], key=lambda rule: bool(rule["passed"]))
    ]
    return (
        f"<p>{escape(version)}, {escape(training['status'])} ({escape(training['candidate'])})"
        f"{escape(rejected(training))}</p>\n<table>"
        f"{_row('th', '', 'metric', 'candidate', 'champion')}{''.join(metrics)}"
        f"{_row('th', '', 'gate', 'value', 'bound')}{''.join(rules)}</table>"
    )


def _verdict(rule: dict[str, Any]) -> str:
    return f"{rule['rule']}: {'pass' if rule['passed'] else 'FAIL'}"


def _row(cell: str, kind: str, name: str, *values: float | str | None) -> str:
    cells = "".join(f'<{cell} class="number">{escape(_text(value))}</{cell}>' for value in values)
    return f'<tr class="{kind}"><{cell}>{escape(name)}</{cell}>{cells}</tr>'


def _text(value: float | str | None) -> str:
    return value if isinstance(value, str) else "" if value is None else f"{value:.4g}"
