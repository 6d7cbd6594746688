"""When an alarm begins, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from service.bundle.monitor_rules import Bound, MonitorRules
from tests.monitoring.schedule.conftest import Watch
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import Traffic
from tests.support.service.bundles import YIELD


def test_an_alarm_begins_after_two_of_three_windows_and_ends_after_three_without(watch: Watch):
    for minute in range(8):
        watch.predict(minute, shift=40.0 if minute in (1, 2, 3) else 0.0)
    watch.look(2.1)
    assert not watch.store.alarms()
    watch.look(3.1)
    standing = {(alarm.kind, alarm.column): alarm for alarm in watch.store.alarms(standing=True)}
    alarm = standing["drift", "light"]
    assert (alarm.window_start, alarm.raised_at) == (watch.at(2), watch.at(3.1))
    assert alarm.evidence is not None and alarm.evidence.value == alarm.value
    watch.look(6.1)
    assert ("drift", "light") in {(a.kind, a.column) for a in watch.store.alarms(standing=True)}
    watch.look(7.1)
    assert not watch.store.alarms(standing=True)
    assert ("drift", "light") in {(a.kind, a.column) for a in watch.store.alarms(standing=False)}


def test_an_alarm_of_quality_begins_by_late_truth_and_keeps_what_was_said_then(
    make_watch: Callable[[dict[str, str]], Watch], environ: dict[str, str], tmp_path: Path
):
    rules = MonitorRules(bounds={"mae": Bound(max=1.0)})
    folder = tmp_path / "bundles" / YIELD.model / "1"
    (folder / "monitor.json").write_bytes(msgspec.json.encode(rules))
    watch = make_watch(environ)
    requests = [watch.predict(minute) for minute in range(3)]
    watch.look(3.1)
    for minute in (0, 1):
        watch.traffic.tell(requests[minute], watch.at(minute), watch.at(4), off=5.0)
    watch.look(5)
    (alarm,) = [
        a for a in watch.store.alarms(standing=True) if a.kind == "quality" and a.column == "mae"
    ]
    assert alarm.evidence is not None and round(alarm.evidence.value or 0, 3) == 5.0
    watch.look(60)
    assert alarm in watch.store.alarms(standing=True)


def test_an_alarm_stands_through_a_hole(watch: Watch):
    for minute in (0, 1):
        watch.predict(minute, shift=40.0)
    watch.look(2.1)
    assert watch.store.alarms(standing=True)
    watch.look(20)
    assert watch.store.alarms(standing=True)


def test_a_new_version_starts_anew_and_ends_what_stood_against_the_one_before(
    watch: Watch, tmp_path: Path
):
    for minute in (0, 1):
        watch.predict(minute, shift=40.0)
    watch.look(2.1)
    assert {alarm.version for alarm in watch.store.alarms(standing=True)} == {"1"}
    write_monitored(tmp_path / "bundles", YIELD, "2")
    newer = Traffic(watch.settings.journal_url, YIELD, version="2")
    newer.predict(watch.at(2), shift=40.0)
    watch.look(3.1)
    assert not watch.store.alarms(standing=True)
    newer.predict(watch.at(3), shift=40.0)
    watch.look(4.1)
    assert {alarm.version for alarm in watch.store.alarms(standing=True)} == {"2"}
    newer.close()


def test_truth_of_a_version_that_answers_no_more_changes_no_alarm(watch: Watch, tmp_path: Path):
    requests = watch.predict(0)
    watch.look(1.1)
    write_monitored(tmp_path / "bundles", YIELD, "2")
    newer = Traffic(watch.settings.journal_url, YIELD, version="2")
    for minute in (1, 2):
        newer.predict(watch.at(minute), shift=40.0)
    watch.look(3.1)
    standing = watch.store.alarms(standing=True)
    watch.traffic.tell(requests, watch.at(0), watch.at(3.2))
    watch.look(6)
    assert standing and watch.store.alarms(standing=True) == standing
    newer.close()
