from __future__ import annotations

import datetime as dt
import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from monitoring.findings import Finding, Store
from monitoring.judge.judge import Judgement
from monitoring.schedule import look
from monitoring.window.journal import Arm, JournalReader
from monitoring.window.values import Window
from service.bundle.monitor_rules import Bound, MonitorRules
from service.journal.errors import Unavailable
from tests.monitoring.schedule.conftest import KEY, SECOND, Watch
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import MINUTE, Traffic
from tests.support.postgres import Cluster
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


def test_truth_that_comes_later_is_judged_when_it_comes(watch: Watch):
    requests = watch.predict(0)
    watch.predict(1)
    watch.look(2.1)
    (share,) = [finding for finding in watch.findings(0, "truth") if finding.column == "share"]
    assert share.value == 0
    watch.traffic.tell(requests, watch.at(0), watch.at(3))
    watch.look(4)
    (share,) = [finding for finding in watch.findings(0, "truth") if finding.column == "share"]
    assert share.value == 1
    assert [
        finding.value for finding in watch.findings(0, "quality") if finding.column == "mae"
    ] == [0.0]
    assert watch.store.late(*KEY) == []


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


def test_rows_that_come_after_their_window_was_judged_are_taken_in(watch: Watch):
    watch.predict(0, rows=200)
    watch.look(1.1)
    watch.predict(0, rows=100)
    watch.predict(1)
    watch.look(2.1)
    watch.look(2.5)
    assert watch.rows() == {0: 300, 1: 300}


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


def test_a_bundle_that_is_missing_is_said_and_its_windows_judged_once_it_is_there(
    watch: Watch, tmp_path: Path
):
    shutil.move(tmp_path / "bundles", tmp_path / "elsewhere")
    watch.predict(0)
    watch.look(1.1)
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and said.reason.startswith("no reference")
    up, reason = watch.source("references")
    assert not up and "MLFLOW_TRACKING_URI" in reason
    shutil.move(tmp_path / "elsewhere", tmp_path / "bundles")
    watch.look(1.5)
    assert {finding.column for finding in watch.findings(0, "drift")} >= set(YIELD.names)
    assert watch.source("references") == (True, "")


def test_a_window_that_cannot_be_judged_keeps_no_other_from_it(watch: Watch):
    watch.predict(0)
    engine = sa.create_engine(watch.traffic._table.engine.url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE prediction SET features = '17'"))
    engine.dispose()
    watch.predict(1)
    assert watch.look(2.1) == 2
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and "could not be judged" in said.reason
    assert watch.findings(1, "drift")


def test_findings_that_cannot_be_kept_are_those_of_one_window_and_no_database_that_is_away(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
):
    watch.predict(0)
    watch.predict(1)
    judge_window = look.judge_window

    def with_what_does_not_fit(asked: Any, *of: Any) -> Judgement:
        judgement = judge_window(asked, *of)
        if asked.span.start > watch.start:
            return judgement
        return judgement._replace(findings=[Finding(kind="share", verdict="ok", rows=2**70)])

    monkeypatch.setattr(look, "judge_window", with_what_does_not_fit)
    assert watch.look(2.1) == 2
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and "could not be kept" in said.reason
    assert watch.findings(1, "drift")
    assert watch.source("findings") == (True, "")
    assert watch.look(2.2) == 0


def test_killed_once_a_window_without_a_reference_is_kept_it_is_judged_again_all_the_same(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.move(tmp_path / "bundles", tmp_path / "elsewhere")
    watch.predict(0)
    save = Store.save

    def save_and_end(self: Store, *of: Any) -> None:
        save(self, *of)
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "save", save_and_end)
    with pytest.raises(KeyboardInterrupt):
        watch.look(1.1)
    monkeypatch.undo()
    shutil.move(tmp_path / "elsewhere", tmp_path / "bundles")
    watch.look(1.5)
    assert {finding.column for finding in watch.findings(0, "drift")} >= set(YIELD.names)


def test_a_bundle_that_is_missing_is_said_also_when_another_model_has_its_own(
    watch: Watch, second: Traffic
):
    watch.predict(0)
    second.predict(watch.at(0))
    watch.look(1.1)
    up, reason = watch.source("references")
    assert not up and SECOND.model in reason
    watch.look(1.2)
    assert watch.source("references") == (up, reason)


def test_rows_that_cannot_be_read_are_said_also_when_another_model_is_sound(
    watch: Watch, second: Traffic, tmp_path: Path
):
    write_monitored(tmp_path / "bundles", SECOND, "2")
    watch.predict(0)
    second.predict(watch.at(0))
    engine = sa.create_engine(watch.traffic._table.engine.url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE prediction SET features = '17' WHERE model = :model"),
            {"model": SECOND.model},
        )
    engine.dispose()
    assert watch.look(1.1) == 2
    up, reason = watch.source("judging")
    assert not up and "could not be judged" in reason


def test_a_statement_that_takes_too_long_keeps_no_other_model_from_being_judged(
    watch: Watch, second: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_monitored(tmp_path / "bundles", SECOND, "2")
    watch.predict(0)
    second.predict(watch.at(0))
    read = JournalReader.window

    def window(self: JournalReader, arm: Arm, *more: Any) -> Window:
        if arm.model == SECOND.model:
            raise Unavailable("canceling statement due to statement timeout")
        return read(self, arm, *more)

    monkeypatch.setattr(JournalReader, "window", window)
    assert watch.look(1.1) == 1
    assert watch.rows() == {0: 300}
    up, reason = watch.source("journal")
    assert not up and SECOND.model in reason and "timeout" in reason
    assert set(watch.store.last_success()) == {YIELD.model}
    monkeypatch.undo()
    assert watch.look(1.2) == 1
    assert watch.source("journal") == (True, "")


def test_a_database_that_goes_away_in_between_is_said_and_the_look_goes_on_when_it_is_back(
    cluster: Cluster, watch: Watch
):
    if not watch.settings.journal_url.startswith("postgresql"):
        return
    watch.predict(0)
    watch.look(1.1)
    watch.predict(1)
    cluster.stop()
    try:
        assert watch.judge.monitor.look(watch.at(2.1)) == 0
    finally:
        cluster.start()
    assert watch.look(2.2) == 1
    assert watch.rows() == {0: 300, 1: 300}
    assert watch.source("findings") == (True, "")


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


def test_the_traffic_share_is_the_windows_own(watch: Watch):
    watch.predict(0)
    metrics = watch.judge.monitor._metrics
    watch.judge.monitor._metrics = metrics._replace(shares={KEY: 0.25})
    watch.look(1.1)
    assert watch.store.windows(*KEY)[0].traffic_share == 0.25
    watch.judge.monitor._metrics = metrics._replace(shares={KEY: 0.5})
    watch.store.note_late(watch.store.windows(*KEY), watch.at(1.2))
    assert watch.look(2) == 1
    assert watch.store.windows(*KEY)[0].traffic_share == 0.25


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


def test_truth_is_taken_in_for_a_month_of_hours(watch: Watch):
    requests = watch.predict(-800)
    watch.look(-798.9)
    (record,) = watch.store.windows(*KEY)
    for minute in range(-790, -46):
        start = watch.at(minute)
        watch.store.save(
            msgspec.structs.replace(record, start=start, end=start + MINUTE, rows=0), []
        )
    watch.traffic.tell(requests, watch.at(-800), watch.at(-1))
    watch.look(0)
    (share,) = [finding for finding in watch.findings(-800, "truth") if finding.column == "share"]
    assert share.value == 1
