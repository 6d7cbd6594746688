"""The monitor's pages as files in the reports: what it said when this ran, and Evidently's report of each model.

    python -m scripts.ci monitor-report [--stack NAME] [--json]

Of the models that MODEL names, or of all.
Through the edge, with the key that a deploy has (scope admin). Exit codes: 0 they are saved, 1 the monitor does not
answer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from outside.values import NAMES
from scripts.command import files
from scripts.command.options import parameter, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.edge.client import EdgeClient, client_for
from scripts.engine import swarm
from scripts.ledger import records
from scripts.stack_file import settings

OVERVIEW = "/monitor/"
HREF = re.compile(r'href="(/monitor/[^"]*)"')
STYLESHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.S)
MODEL = re.compile(r"/monitor/models/([^/?]+)")
#: Evidently takes a minute or two.
SECONDS, REPORT_SECONDS = 30.0, 600.0


class Place(NamedTuple):
    """A page of the monitor, and the file that it becomes."""

    address: str
    file: str


def save(client: EdgeClient, folder: Path, wanted: Collection[str] = ()) -> dict[str, Any]:
    """The overview, each model that it names (and is wanted, where any is), and their reports.

    A report that cannot be made is said, and is no failure.
    """
    overview = _page(client, OVERVIEW)
    models = _wanted(list(_model_pages(overview)), wanted)
    folder.mkdir(parents=True, exist_ok=True)
    pages = {place: _page(client, place.address) for place in models}
    reports = [place for text in pages.values() for place in _reports(text)]
    saved = [place for place in reports if _save_report(client, place, folder)]
    files_by_address = {
        place.address: place.file for place in (Place(OVERVIEW, "index.html"), *models, *saved)
    }
    texts = {"index.html": overview, **{place.file: text for place, text in pages.items()}}
    styles: dict[str, str] = {}
    for name, text in texts.items():
        alone = _standing_alone(client, text, files_by_address, styles)
        (folder / name).write_text(alone, encoding="utf-8")
    say(f"{folder}: {len(models)} pages of models, {len(saved)} reports")
    return {"folder": str(folder), "models": len(models), "reports": len(saved)}


def _page(client: EdgeClient, address: str, seconds: float = SECONDS) -> str:
    try:
        answer = client.get(address, seconds)
    except requests.RequestException as error:
        raise Refused(f"the monitor does not answer at {client.url}{address}: {error}") from error
    if answer.status_code != 200:
        raise Refused(f"the monitor answers {answer.status_code} at {client.url}{address}")
    return answer.text


def _model_pages(overview: str) -> Iterator[Place]:
    """One a model and arm, of its newest window; an alarm's link to an older one stays a link to the monitor."""
    for address in dict.fromkeys(_addresses(overview)):
        parts = urlsplit(address)
        if MODEL.fullmatch(parts.path) and "window" not in parse_qs(parts.query):
            yield Place(address, f"{_name(address)}.html")


def _wanted(pages: list[Place], wanted: Collection[str]) -> list[Place]:
    names = {page: _model(page) for page in pages}
    missing = [model for model in wanted if model not in names.values()]
    if missing:
        there = ", ".join(sorted(set(names.values()))) or "none yet"
        raise Refused(
            f"MODEL is {', '.join(map(repr, missing))}, of which the monitor has judged no window; allowed are the"
            f" models of its overview ({there}): name some of them, or none for all"
        )
    return [page for page in pages if not wanted or names[page] in wanted]


def _model(page: Place) -> str:
    match = MODEL.match(urlsplit(page.address).path)
    return unquote(match[1]) if match else ""


def _reports(page: str) -> Iterator[Place]:
    for address in dict.fromkeys(_addresses(page)):
        if urlsplit(address).path.endswith("/report"):
            yield Place(address, f"{_name(address)}-evidently.html")


def _addresses(text: str) -> Iterator[str]:
    return (html.unescape(address) for address in HREF.findall(text))


def _name(address: str) -> str:
    """Of letters, digits and dashes, whatever the address has."""
    parts = urlsplit(address)
    model = MODEL.match(parts.path)
    query = parse_qs(parts.query)
    words = [model[1] if model else "page", *query.get("version", ()), *query.get("arm", ())]
    return re.sub(r"[^A-Za-z0-9_]+", "-", "-".join(words))[:100]


def _save_report(client: EdgeClient, place: Place, folder: Path) -> bool:
    try:
        text = _page(client, place.address, REPORT_SECONDS)
    except Refused as error:
        say(f"no report: {error}")
        return False
    (folder / place.file).write_text(text, encoding="utf-8")
    return True


def _standing_alone(
    client: EdgeClient, text: str, files_by_address: dict[str, str], styles: dict[str, str]
) -> str:
    """Without script, with its style in it; links lead to what is saved, else to the monitor."""

    def style(link: re.Match[str]) -> str:
        address = html.unescape(link[1])
        if address not in styles:
            styles[address] = _page(client, address)
        return f"<style>{styles[address]}</style>"

    def href(link: re.Match[str]) -> str:
        address = html.unescape(link[1])
        return f'href="{html.escape(files_by_address.get(address, client.url + address))}"'

    return HREF.sub(href, STYLESHEET.sub(style, SCRIPT.sub("", text)))


def main() -> int:
    options = parsed(parser("ci monitor-report", __doc__), None)

    def act() -> dict[str, Any]:
        wanted = parameter("MODEL", NAMES).split()
        stack = options.stack
        inputs = records.last_inputs(stack)
        client = client_for(swarm.look(stack), stack, settings.around(stack, inputs))
        return save(client, files.reports() / "monitor", wanted)

    return finish(act, options.json)
