"""The monitor's pages are saved so that they stand alone: with their style, without script, linked among each other."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from monitoring.pages import Sources
from scripts.ci.monitor_pages import save
from scripts.command.outcome import Refused
from scripts.edge.client import EdgeClient
from tests.support.monitoring import board, site
from tests.support.web import answering, serving_app

HEAD = '<link rel="stylesheet" href="/monitor/static/style.css"><script src="/monitor/static/live.js" defer></script>'
MODEL = "/monitor/models/late?version=3&amp;arm=champion"
REPORT = "/monitor/models/late/report?version=3&amp;arm=champion&amp;window=20260101"
PAGES = {
    "/monitor/": f'{HEAD}<a href="{MODEL}">late</a> <a href="{MODEL}">again</a> <a href="/monitor/alarms">alarms</a>',
    "/monitor/static/style.css": "b { color: red }",
    "/monitor/models/late?version=3&arm=champion": f'{HEAD}<a href="/monitor/">up</a><a href="{REPORT}">report</a>',
    "/monitor/models/late/report?version=3&arm=champion&window=20260101": "<html>evidently</html>",
}


@pytest.fixture(name="client")
def _client() -> Iterator[tuple[EdgeClient, dict[str, str]]]:
    pages = dict(PAGES)

    def answer(request: Request) -> Response:
        allowed = request.headers.get("Authorization") == "Bearer key"
        page = pages.get(request.environ["RAW_URI"], "")
        return Response(page, 401 if not allowed else 200 if page else 404, mimetype="text/html")

    with answering(answer) as url:
        yield EdgeClient(url, "key", ""), pages


def test_pages_stand_alone_and_lead_to_each_other(client, tmp_path: Path) -> None:
    edge, _ = client
    assert save(edge, tmp_path)["models"] == 1
    overview = (tmp_path / "index.html").read_text()
    assert overview == (
        '<style>b { color: red }</style><a href="late-3-champion.html">late</a>'
        f' <a href="late-3-champion.html">again</a> <a href="{edge.url}/monitor/alarms">alarms</a>'
    )
    model = (tmp_path / "late-3-champion.html").read_text()
    assert 'href="index.html"' in model and 'href="late-3-champion-evidently.html"' in model
    assert (tmp_path / "late-3-champion-evidently.html").read_text() == "<html>evidently</html>"


def test_a_report_that_cannot_be_made_is_said_and_the_rest_is_saved(
    client, tmp_path, capsys
) -> None:
    edge, pages = client
    del pages["/monitor/models/late/report?version=3&arm=champion&window=20260101"]
    assert save(edge, tmp_path)["reports"] == 0
    assert "no report: the monitor answers 404" in capsys.readouterr().err
    assert (
        f'href="{edge.url}/monitor/models/late/report?'
        in (tmp_path / "late-3-champion.html").read_text()
    )


def test_a_model_that_is_named_is_saved_alone_and_one_that_is_not_there_is_refused(
    client, tmp_path: Path
) -> None:
    edge, pages = client
    other = "/monitor/models/other?version=1&arm=champion"
    pages["/monitor/"] += f'<a href="{other.replace("&", "&amp;")}">other</a>'
    pages[other] = "<b>other</b>"
    assert save(edge, tmp_path / "one", ["other"])["models"] == 1
    assert not (tmp_path / "one" / "late-3-champion.html").exists()
    with pytest.raises(Refused, match=r"MODEL is 'nope'.*allowed are .*\(late, other\): name some"):
        save(edge, tmp_path / "none", ["late", "nope"])
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("key", "sentence"), [("other", "answers 401"), ("", "answers 401")])
def test_a_key_that_may_not_see_it_is_said(client, tmp_path: Path, key: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        save(client[0]._replace(key=key), tmp_path)


def test_a_name_from_outside_makes_no_path(client, tmp_path: Path) -> None:
    edge, pages = client
    hostile = "/monitor/models/..%2F..%2Fetc?version=%2F&amp;arm=champion"
    pages["/monitor/"] = f'<a href="{hostile}">x</a>'
    pages[hostile.replace("&amp;", "&")] = "x"
    save(edge, tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "index.html",
        "-2F-2Fetc-champion.html",
    }


def test_the_monitors_own_pages_are_saved_whole(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    with serving_app(site.application(_without_reports(tmp_path, now))) as url:
        done = save(EdgeClient(url, "", ""), tmp_path / "saved")
    assert done["models"] == 2
    pages = {path.name: path.read_text() for path in (tmp_path / "saved").iterdir()}
    assert len(pages) == 3
    for name, text in pages.items():
        assert (
            "<style>" in text and "<script" not in text.lower() and "/monitor/static" not in text
        ), name
        for linked in re.findall(r'href="([^"#]+)"', text):
            assert linked in pages or linked.startswith((f"{url}/monitor/", "data:")), (
                name,
                linked,
            )
    assert board.QUIET in pages["index.html"] and board.MOVED in pages["index.html"]


def _without_reports(folder: Path, now: dt.datetime) -> Sources:
    """Evidently takes its time; its report is a file of its own, which is saved as it comes."""
    return site.sources(folder, site.filled(folder, now))._replace(reports=None)
