"""What is too old, was withdrawn or is looked at no more goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from tests.monitoring.schedule.conftest import KEY, Watch
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import MINUTE, Traffic
from tests.support.service.bundles import YIELD


def test_findings_that_are_too_old_go(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str]
):
    watch = make_watch(environ | {"MONITOR_RETENTION_DAYS": "1"})
    before = watch.at(0) - dt.timedelta(days=1.5)
    watch.traffic.predict(before)
    assert watch.judge.monitor.look(before + 1.1 * MINUTE) == 1
    watch.look(0)
    assert watch.store.windows(*KEY) == []


def test_alarms_of_an_arm_that_was_withdrawn_end_while_its_model_goes_on(
    watch: Watch, tmp_path: Path
):
    write_monitored(tmp_path / "bundles", YIELD, "2")
    challenger = Traffic(watch.settings.journal_url, YIELD, version="2", arm="challenger")
    before = -40 * 60
    for minute in (before, before + 1):
        watch.predict(minute)
        challenger.predict(watch.at(minute), shift=40.0)
    challenger.close()
    watch.look(before + 2.1)
    assert {alarm.arm for alarm in watch.store.alarms(standing=True)} == {"challenger"}
    # One of few callers may be silent for a while.
    watch.predict(before + 20 * 60)
    watch.look(before + 20 * 60 + 1.1)
    assert watch.store.alarms(standing=True)
    watch.predict(0)
    watch.look(1.1)
    assert watch.store.alarms(standing=True) == []


def test_a_model_that_is_not_looked_at_any_more_is_not_stale(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str]
):
    environ |= {"MONITOR_LOOKBACK_DAYS": "1"}
    watch = make_watch(environ)
    watch.store.note_success("gone", watch.at(0) - dt.timedelta(days=500))
    watch.predict(0)
    watch.look(1.1)
    assert set(watch.store.last_success()) == {YIELD.model}
