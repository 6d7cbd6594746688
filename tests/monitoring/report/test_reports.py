"""Evidently's report of a window: on demand and on alarm, in bounded number, without what may not be shown."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from monitoring.findings.store import Store
from monitoring.findings.values import WindowRecord
from monitoring.pages import Versions
from monitoring.references import References, TrackingServer
from monitoring.report import AlarmReports, NoReport, Reports, reports, tables
from monitoring.window.journal import JournalReader
from service.bundle.contract import Column, Contract, Output
from tests.support.monitoring import alarm, raise_alarm, record
from tests.support.monitoring.board import HOSTILE
from tests.support.monitoring.browser import chromium
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.site import fill_journal
from tests.support.service.bundles import QUALITY

NOW = dt.datetime.now(dt.UTC)
HOSTILE_CONTRACT = Contract(
    "hostile",
    "regression",
    (
        Column(HOSTILE, "number"),
        Column("age", "number", sensitive=True),
        Column("crop", "category", categories=("basil", HOSTILE)),
        Column("empty", "number", nullable=True),
    ),
    (Output("yield"),),
)


def newest_window() -> WindowRecord:
    """The one that `fill_journal` fills."""
    end = NOW.replace(microsecond=0) - dt.timedelta(minutes=2)
    times = {"start": end - dt.timedelta(hours=1), "end": end, "judged_at": end}
    return record(model=QUALITY.model, version="5", **times)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports")
    write_monitored(path / "bundles", QUALITY, "5")
    fill_journal(f"sqlite:///{path}/journal.db", NOW)
    return path


@pytest.fixture
def window_reports(folder: Path, tmp_path: Path) -> Iterator[Reports]:
    nobody = TrackingServer("")
    versions = Versions(References(folder / "bundles", folder / "state", nobody), nobody)
    journal = JournalReader(f"sqlite:///{folder}/journal.db")
    yield Reports(tmp_path / "kept", versions.of, journal)
    journal.close()


def drawn_up(rows: int = 500) -> tables.Tables:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(rows, 4)).astype(np.float32)
    matrix[:, 2] = random.integers(0, 2, rows)
    matrix[::7, :3] = np.nan
    window = matrix + np.float32(0.3) * np.array([1, 1, 0, 1], np.float32)
    window[:, 3] = np.nan
    return tables.draw_up(f"model {HOSTILE}", HOSTILE_CONTRACT, matrix, window)


def test_sensitive_and_empty_columns_are_not_drawn_and_no_name_can_end_a_script():
    shown = drawn_up()
    names = [column.name for column in shown.columns]
    assert len(names) == 2 and "age" not in names and "empty" not in names
    text = repr((shown.title, shown.columns))
    assert "<" not in text and ">" not in text and "‹script›" in text


def test_a_side_has_two_thousand_rows_at_most():
    shown = drawn_up(rows=5000)
    assert len(shown.reference) == len(shown.window) == tables.MOST_ROWS


def test_what_is_handed_over_comes_back(tmp_path: Path):
    tables.write(drawn_up(), tmp_path)
    read = tables.read(tmp_path)
    assert read.columns == drawn_up().columns
    np.testing.assert_array_equal(read.window, drawn_up().window)


def test_a_report_is_made_once_and_again_when_its_window_was_judged_anew(
    window_reports: Reports, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[tables.Tables] = []

    def draw(folder: Path, html: Path) -> None:
        drawn.append(tables.read(folder))
        html.write_text(f"report {len(drawn)}", encoding="utf-8")

    monkeypatch.setattr(reports, "_draw", draw)
    window = newest_window()
    assert window_reports.report(window) == window_reports.report(window) == b"report 1"
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert window_reports.report(replace(window, judged_at=later)) == b"report 2"
    assert drawn[0].title.startswith("quality-classification 5 (champion), 2")
    assert (len(drawn[0].window), len(drawn[0].reference)) == (60, 1000)
    assert [column.name for column in drawn[0].columns] == list(QUALITY.names)


@pytest.mark.slow
def test_a_hostile_report_is_shown_as_text_and_asks_nobody(tmp_path: Path):
    from flask import Flask, Response

    from monitoring.pages.access import REPORT_POLICY
    from tests.support.web import serving_app

    tables.write(drawn_up(), tmp_path)
    reports._draw(tmp_path, tmp_path / "report.html")
    app = Flask("report", static_folder=None)
    headers = {"Content-Security-Policy": REPORT_POLICY}

    @app.get("/")
    def report() -> Response:
        return Response((tmp_path / "report.html").read_bytes(), headers=headers)

    with serving_app(app) as url, chromium() as browser:
        page = browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda sent: wrong.append(sent.url))
        page.goto(url)
        page.get_by_text("Drifted Columns", exact=True).wait_for()
        assert wrong == [f"{url}/"] and "broken" not in page.title()


def test_of_a_version_without_a_reference_there_is_none(window_reports: Reports):
    with pytest.raises(NoReport, match="no reference"):
        window_reports.report(replace(newest_window(), version="4"))


def test_of_a_window_without_rows_there_is_none(window_reports: Reports):
    with pytest.raises(NoReport, match="0 rows"):
        window_reports.report(replace(newest_window(), start=NOW, end=NOW + dt.timedelta(hours=1)))


def test_the_oldest_go_when_there_are_too_many_or_they_are_too_large(
    window_reports: Reports, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reports, "MOST_REPORTS", 3)
    for place in range(5):
        path = window_reports.path_of(record(place))
        window_reports._keep(path, b"x" * 10)
        os.utime(path, (place, place))
    window_reports._keep(window_reports.path_of(record(9)), b"y")
    kept_files = {path for path in window_reports._folder.iterdir()}
    assert kept_files == {window_reports.path_of(record(place)) for place in (3, 4, 9)}
    monkeypatch.setattr(reports, "MOST_BYTES", 15)
    window_reports._keep(window_reports.path_of(record(9)), b"y")
    assert {path for path in window_reports._folder.iterdir()} == {
        window_reports.path_of(record(place)) for place in (4, 9)
    }


def test_an_alarm_has_its_windows_report_made_once(
    window_reports: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = Store(f"sqlite:///{tmp_path}/monitor.db")
    store.prepare()
    window = newest_window()
    store.save(window, [])
    for kind, raised in (("drift", NOW), ("quality", NOW), ("share", NOW - dt.timedelta(days=1))):
        of = {"model": window.model, "version": "5", "window_start": window.start}
        raise_alarm(store, alarm(kind=kind, raised_at=raised, **of))
    drawn: list[Path] = []
    monkeypatch.setattr(
        reports, "_draw", lambda _folder, html: drawn.append(html.write_bytes(b"x"))
    )
    on_alarm = AlarmReports(store, window_reports)
    assert on_alarm.make_next() and not on_alarm.make_next()
    assert len(drawn) == 1 and window_reports.path_of(window).is_file()
    store.close()
