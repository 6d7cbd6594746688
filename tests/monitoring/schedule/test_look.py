"""Which windows a look judges."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from monitoring.window.values import Window
from tests.monitoring.schedule.conftest import KEY, Watch
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import Traffic
from tests.support.service.bundles import YIELD


def test_each_window_is_judged_once_it_is_over_and_the_journal_is_complete(watch: Watch):
    for minute in range(3):
        watch.predict(minute)
    assert watch.look(2.05) == 1
    assert watch.look(2.1) == 1
    assert watch.rows() == {0: 300, 1: 300}
    assert watch.look(2.2) == 0
    assert watch.look(3.1) == 1
    assert watch.source("journal") == (True, "")


def test_callers_as_in_training_raise_nothing(watch: Watch):
    for minute in range(4):
        watch.predict(minute)
    watch.look(4.1)
    drift = [finding for minute in range(4) for finding in watch.findings(minute, "drift", "share")]
    assert {finding.column for finding in drift} >= set(YIELD.names)
    assert not watch.store.alarms()


def test_a_hole_in_the_journal_is_said_and_a_silent_arm_is_left_alone(watch: Watch):
    watch.predict(0)
    watch.look(1.1)
    watch.predict(3)
    watch.look(4.1)
    assert watch.rows() == {0: 300, 1: 0, 2: 0, 3: 300}
    (said,) = watch.findings(1)
    assert said.verdict == "unknown" and said.reason.startswith("no rows")
    watch.look(30)
    assert max(watch.rows()) == 6


def test_rows_in_place_of_minutes_make_a_window(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str]
):
    watch = make_watch(environ | {"MONITOR_WINDOW": "500 rows"})
    for minute in range(4):
        watch.predict(minute)
    assert watch.look(4.1) == 2
    assert [window.rows for window in watch.store.windows(*KEY)] == [500, 500]
    watch.predict(4)
    assert watch.look(5.1) == 1


def test_of_versions_that_were_replaced_no_window_is_held_in_memory(watch: Watch, tmp_path: Path):
    for minute, version in enumerate(("1", "2", "3")):
        if version != "1":
            write_monitored(tmp_path / "bundles", YIELD, version)
        traffic = Traffic(watch.settings.journal_url, YIELD, version=version)
        traffic.predict(watch.at(minute))
        traffic.close()
        assert watch.look(minute + 1.1) >= 1
    gc.collect()
    held = [each for each in gc.get_objects() if isinstance(each, Window) and len(each.matrix)]
    assert {window.version for window in held} == {"3"}
