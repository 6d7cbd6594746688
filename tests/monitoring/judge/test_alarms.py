"""Which windows raise an alarm, which resolve it, and which do neither."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from monitoring.findings.values import RELATION_CHANGED, Alarm, Finding, Verdict
from monitoring.judge.alarms import LOOK_BACK, JudgedWindow, change_alarms, windows_to_read
from service.bundle.monitor_rules import MonitorRules
from tests.support.monitoring import record_of

RULES = MonitorRules()
START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
VERDICTS: dict[str, Verdict] = {"R": "raised", ".": "ok", "?": "unknown"}


def window(
    number: int, letter: str, version: str = "1", arm: str = "champion", **finding: Any
) -> JudgedWindow:
    start = START + number * DAY
    record = record_of(start, start + DAY, model="grade", version=version, arm=arm)
    said = {
        "kind": "drift",
        "column": "ec",
        "value": float(number),
        "reason": f"window {number}",
        **finding,
    }
    return JudgedWindow(record, [Finding(verdict=VERDICTS[letter], **said)])


def follow(letters: str, rules: MonitorRules = RULES, **finding: Any) -> list[Alarm]:
    """All alarms after these windows, one after the other as the monitor judges them."""
    windows: list[JudgedWindow] = []
    alarms: list[Alarm] = []
    for number, letter in enumerate(letters):
        windows.append(window(number, letter, **finding))
        standing = [alarm for alarm in alarms if alarm.resolved_at is None]
        now = windows[-1].record.judged_at
        for change in change_alarms(windows[-windows_to_read(rules) :], standing, rules, now):
            if change.resolved_at is None:
                alarms.append(change)
            else:
                ended = next(alarm for alarm in standing if alarm.raised_at == change.raised_at)
                alarms[alarms.index(ended)] = change
    return alarms


@pytest.mark.parametrize("letters", ["R", "R..R..R", "?R?", "R?.?.?R", "....", "????"])
def test_no_alarm(letters: str) -> None:
    assert follow(letters) == []


@pytest.mark.parametrize(
    ("letters", "raised_by"),
    [("RR", 1), ("R.R", 2), (".R.R", 3), ("R?R", 2), ("R???????R", 8), ("R.?R", 3)],
)
def test_two_of_three_windows_raise_an_alarm_once(letters: str, raised_by: int) -> None:
    (alarm,) = follow(letters + "RRR")
    assert alarm.window_start == START + raised_by * DAY
    assert alarm.raised_at == START + (raised_by + 1) * DAY
    assert (alarm.reason, alarm.value) == (f"window {raised_by}", float(raised_by))
    assert alarm.resolved_at is None


@pytest.mark.parametrize(
    ("letters", "ended"),
    [
        ("RR..", None),
        ("RR...", 5),
        ("RR..R...", 8),
        ("RR?.?.?", None),
        ("RR?.?.?.", 8),
        ("RR????", None),
    ],
)
def test_an_alarm_ends_after_three_windows_without(letters: str, ended: int | None) -> None:
    (alarm,) = follow(letters)
    assert alarm.resolved_at == (None if ended is None else START + ended * DAY)


def test_an_alarm_may_be_raised_anew_after_it_ended() -> None:
    first, second = follow("RR...RR")
    assert first.resolved_at is not None and second.resolved_at is None


def test_so_long_an_absence_is_forgotten() -> None:
    most = LOOK_BACK * RULES.of_windows
    assert len(follow("R" + "?" * (most - 2) + "R")) == 1
    assert follow("R" + "?" * (most - 1) + "R") == []


def test_one_of_one_alarms_at_once_and_ends_at_once() -> None:
    rules = MonitorRules(alarm_windows=1, of_windows=1)
    assert [alarm.resolved_at is None for alarm in follow("R.R", rules)] == [False, True]


def test_more_windows_than_are_looked_at_are_not_waited_for() -> None:
    assert len(follow("RRR", MonitorRules(alarm_windows=5, of_windows=3))) == 1


def test_windows_that_moved_the_opposite_way_do_not_count_together() -> None:
    def alarms(*directions: list[float]) -> list[Alarm]:
        windows = [
            window(number, "R", details={"direction": direction})
            for number, direction in enumerate(directions)
        ]
        return change_alarms(windows, [], RULES, START)

    assert alarms([0.2, 0.1], [-0.2, -0.2]) == []
    assert len(alarms([0.2, 0.1], [0.1, 0.2])) == 1
    assert len(alarms([0.2, 0.1], [-0.2, -0.1], [0.1, 0.2])) == 1


@pytest.mark.parametrize("kind", ["slice", "truth", "cause"])
def test_what_only_explains_does_not_alarm(kind: str) -> None:
    assert follow("RRR", kind=kind) == []


@pytest.mark.parametrize(
    "kind", ["prediction", "missing", "share", "relation", "estimate", "quality", "trust"]
)
def test_each_other_kind_alarms_by_itself(kind: str) -> None:
    (alarm,) = follow("RRR", kind=kind)
    assert (alarm.kind, alarm.column) == (kind, "ec")


def test_the_other_arm_and_other_models_are_left_alone() -> None:
    (standing,) = follow("RR")
    other = msgspec.structs.replace(standing, model="yield")
    newest = window(2, ".", version="2", arm="challenger")
    assert change_alarms([newest], [standing, other], RULES, START) == []


def test_another_version_ends_the_alarms_of_the_one_before_and_has_its_own() -> None:
    (former,) = follow("RR")
    windows = [window(number, "R", version="2") for number in (2, 3)]
    now = windows[-1].record.judged_at
    ended, raised = change_alarms(windows, [former], RULES, now)
    assert (ended.version, ended.raised_at, ended.resolved_at) == ("1", former.raised_at, now)
    assert (raised.version, raised.raised_at, raised.resolved_at) == ("2", now, None)


def test_an_estimate_that_is_not_believed_any_more_ends_its_alarm() -> None:
    (standing,) = follow("RR", kind="estimate")
    windows = [window(number, "R", kind="estimate") for number in range(2)]
    distrusted = window(2, "?", kind="estimate", reason=RELATION_CHANGED)
    (change,) = change_alarms([*windows, distrusted], [standing], RULES, START + 3 * DAY)
    assert change == msgspec.structs.replace(standing, resolved_at=START + 3 * DAY)
    other_reason = window(2, "?", kind="estimate", reason="not enough rows")
    assert change_alarms([*windows, other_reason], [standing], RULES, START + 3 * DAY) == []


def test_a_window_judged_again_does_not_change_what_was_said() -> None:
    (standing,) = follow("RR", kind="quality")
    again = [window(0, ".", kind="quality"), window(1, "R", kind="quality", reason="late truth")]
    assert change_alarms(again, [standing], RULES, START) == []
