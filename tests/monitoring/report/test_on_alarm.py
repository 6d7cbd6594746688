"""From a journal whose inputs shift to Evidently's report in a browser: a monitor that runs, and is asked nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring.findings import Store
from monitoring.settings import read_settings
from tests.support.machine import wait_until
from tests.support.monitoring.browser import chromium
from tests.support.monitoring.processes import environ, start
from tests.support.monitoring.traffic import MINUTE, Traffic
from tests.support.service.bundles import YIELD
from tests.support.service.server import Server

__all__ = ["environ", "start"]
COLUMN = YIELD.names[0]


def fill_journal(url: str) -> None:
    """Of the four minutes that just ended: the first column is moved beyond what it ever was."""
    this_minute = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    traffic = Traffic(url, YIELD)
    for minute in range(-4, 0):
        traffic.predict(this_minute + minute * MINUTE, shift=40.0)
    traffic.close()


@pytest.mark.slow
def test_the_report_of_an_alarms_window_is_there_before_anybody_asks_for_it(
    start: Callable[..., Server],  # pylint: disable=redefined-outer-name
    environ: dict[str, str],  # pylint: disable=redefined-outer-name
    tmp_path: Path,
):
    fill_journal(environ["JOURNAL_URL"])
    monitor = start("monitoring", "serve", MONITOR_WINDOW="1m")
    store = Store(read_settings(environ).findings_url)
    store.prepare()

    def is_raised() -> bool:
        alarms = store.alarms(YIELD.model, standing=True)
        return ("drift", COLUMN) in {(alarm.kind, alarm.column) for alarm in alarms}

    wait_until(is_raised, "an alarm", 240)
    store.close()
    reports = tmp_path / "state" / "reports"
    wait_until(lambda: any(reports.glob("*.html")), "a report that nobody asked for", 240)
    made = [path.stat().st_mtime_ns for path in reports.glob("*.html")]
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{monitor.url}/monitor/alarms")
        row = page.get_by_role("row").filter(has_text=f"{YIELD.model}").filter(has_text=COLUMN)
        row.get_by_role("link", name="Evidently's report").first.click()
        page.get_by_text("Drifted Columns", exact=True).wait_for()
        # Evidently's own table draws its rows by a script.
        line = page.get_by_role("row").filter(has_text=COLUMN).first
        line.wait_for()
        assert "Detected" in line.inner_text() and "Not Detected" not in line.inner_text()
        assert YIELD.model in page.get_by_text("the window (current) beside").inner_text()
    # What was opened is what was there.
    assert [path.stat().st_mtime_ns for path in reports.glob("*.html")] == made
