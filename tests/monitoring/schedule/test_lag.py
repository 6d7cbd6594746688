"""One node's spool that is stuck: other rows are judged after a bounded wait, and all of them once they are there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitoring.schedule.clock import read_moment
from monitoring.server import console
from tests.monitoring.schedule.conftest import KEY, Watch
from tests.support.monitoring.site import application, sources
from tests.support.service.bundles import YIELD
from tests.support.web import scraped

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
#: Minutes of MONITOR_PATIENCE.
PATIENCE = 10


class Stuck:
    """A watch whose service says that a prediction of minute 0 is still in a spool, until `ship`."""

    def __init__(self, watch: Watch, lag: list[float]):
        self.watch, self._lag, self._is_stuck = watch, lag, True

    def look(self, minutes: float) -> int:
        self._lag[0] = 60 * minutes if self._is_stuck else 0.0
        return self.watch.look(minutes)

    def ship(self) -> None:
        self._is_stuck = False

    def lacking(self) -> set[int]:
        """The minutes of the windows that say that rows may be missing."""
        windows = self.watch.store.windows(*KEY)
        return {
            round((window.start - self.watch.start).total_seconds() / 60)
            for window in windows
            if window.lacking
        }


@pytest.fixture
def stuck(
    make_watch: Callable[[dict[str, str]], Watch],
    environ: dict[str, str],
) -> Iterator[Stuck]:
    lag = [0.0]
    with scraped(lambda: b"swarmline_journal_lag_seconds %g\n" % lag[0]) as service:
        settings = {"MONITOR_PATIENCE": str(60 * PATIENCE), "SERVICE_URL": f"http://{service}"}
        yield Stuck(make_watch(environ | settings), lag)


def test_a_lag_is_waited_for_no_longer_than_patience():
    moment = read_moment(NOW, None, None, 3600.0, 5.0, 600.0)
    assert moment.lags and moment.watermark == NOW - dt.timedelta(seconds=605)
    assert moment.complete == NOW - dt.timedelta(seconds=3605)
    moment = read_moment(NOW, None, None, 30.0, 5.0, 600.0)
    assert not moment.lags and moment.watermark == moment.complete


def test_one_stuck_spool_keeps_windows_waiting_for_a_while_and_then_no_longer(
    stuck: Stuck, capsys: pytest.CaptureFixture[str]
):
    for minute in range(3):
        stuck.watch.predict(minute)
    assert stuck.look(PATIENCE + 0.9) == 0
    assert stuck.look(PATIENCE + 3.1) == 3
    assert stuck.lacking() == {0, 1, 2} and stuck.watch.findings(0, "drift")
    up, reason = stuck.watch.source("journal")
    assert up and "a node's spool lags since" in reason and "MONITOR_PATIENCE (600 s)" in reason
    console.show(stuck.watch.store, "drift", [], False)
    assert "rows may be missing: a node's spool lags" in capsys.readouterr().out
    stuck.look(PATIENCE + 3.5)
    assert stuck.watch.source("journal") == (True, reason)


def test_windows_are_judged_again_when_the_spool_has_come(stuck: Stuck):
    stuck.watch.predict(0, rows=200)
    stuck.watch.predict(1)
    assert stuck.look(PATIENCE + 2.1) == 2
    stuck.watch.predict(0, rows=100)
    # That one is in the database says nothing of the others in the spool.
    stuck.look(PATIENCE + 6)
    assert stuck.lacking() >= {0, 1}
    stuck.ship()
    stuck.look(PATIENCE + 6.1)
    assert stuck.watch.rows()[0] == 300 and stuck.lacking() == set()
    assert stuck.watch.source("journal") == (True, "")


def test_windows_that_lacked_nothing_are_not_judged_again(stuck: Stuck):
    stuck.watch.predict(0)
    stuck.look(PATIENCE + 1.1)
    judged_at = stuck.watch.store.windows(*KEY)[-1].judged_at
    stuck.ship()
    stuck.look(PATIENCE + 5)
    window = stuck.watch.store.windows(*KEY)[-1]
    assert (window.judged_at, window.lacking) == (judged_at, "")


def test_rows_of_a_hole_that_is_longer_than_those_that_are_kept_are_judged_when_they_come(
    stuck: Stuck,
):
    stuck.watch.predict(0)
    for minute in range(1, 7):
        stuck.look(PATIENCE + minute + 0.1)
    # All callers came to the stuck node, until some came to another.
    stuck.watch.predict(7)
    stuck.look(PATIENCE + 8.1)
    assert stuck.watch.rows() == {0: 300, **dict.fromkeys(range(1, 7), 0), 7: 300}
    assert "a node's spool lags" in stuck.watch.findings(5)[0].reason
    for minute in range(1, 6):
        stuck.watch.predict(minute)
    stuck.ship()
    for minute in (10, 15):
        stuck.look(PATIENCE + minute)
    rows = stuck.watch.rows()
    assert [rows[minute] for minute in range(8)] == [*(300,) * 6, 0, 300]
    # Of the one to which none came it says so.
    assert stuck.watch.findings(6)[0].reason == "no rows: nothing was journalled in this window"


def test_a_page_says_that_rows_may_be_missing_until_they_are_there(stuck: Stuck, tmp_path: Path):
    pages = application(sources(tmp_path, stuck.watch.store)).test_client()
    addresses = ("/monitor/", f"/monitor/models/{YIELD.model}")
    stuck.watch.predict(0)
    stuck.look(PATIENCE + 1.1)
    for address in addresses:
        assert "rows may be missing: a node&#39;s spool lags" in pages.get(address).text
    assert "MONITOR_PATIENCE" in pages.get("/monitor/").text
    stuck.ship()
    stuck.look(PATIENCE + 1.2)
    for address in addresses:
        assert "rows may be missing" not in pages.get(address).text
