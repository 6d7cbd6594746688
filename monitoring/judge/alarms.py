"""Which findings become alarms: raised in N of the last M windows of one version and arm, resolved after M without.

- A window in which a column could not be judged is passed over: it neither raises nor resolves. So a night without
  callers ends no alarm, and two raised windows with such a night between them count together.
- Raised windows count together when they moved the same way: chance moves a column up as often as down.
- An estimate ends its alarm once the relation changed: it is not believed any more, and quality says what is wrong.
- A version starts anew, whatever was said of the one before; alarms of a version whose arm another one took over are
  resolved, as nobody asks it any more.
- An alarm keeps what was said when it was raised, also when its window is judged again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from monitoring.findings.values import RELATION_CHANGED, Alarm, Finding, WindowRecord
from service.bundle.monitor_rules import JudgingRules

#: What alarms by itself. The others explain: a slice, a cause, the share of truth.
KINDS = (
    "drift",
    "prediction",
    "missing",
    "other",
    "share",
    "relation",
    "estimate",
    "quality",
    "trust",
)
#: How many windows are looked back for M that could be judged, for each of the M.
LOOK_BACK = 8


class JudgedWindow(NamedTuple):
    record: WindowRecord
    findings: Sequence[Finding]


class Statement(NamedTuple):
    """What one window said of one kind and column."""

    record: WindowRecord
    finding: Finding


def windows_to_read(rules: JudgingRules) -> int:
    """How many of the last windows `change_alarms` looks at."""
    return LOOK_BACK * rules.of_windows


def change_alarms(
    windows: Sequence[JudgedWindow],
    standing: Iterable[Alarm],
    rules: JudgingRules,
    now: dt.datetime,
) -> list[Alarm]:
    """The alarms that begin or end by the newest window, the last of `windows`, which are of one version and arm.

    `standing` are all alarms of the model that stand; those of other arms are left alone.
    """
    newest = windows[-1].record
    ours = [alarm for alarm in standing if (alarm.model, alarm.arm) == (newest.model, newest.arm)]
    replaced = [_resolve(alarm, now) for alarm in ours if alarm.version != newest.version]
    open_alarms = {
        (alarm.kind, alarm.column): alarm for alarm in ours if alarm.version == newest.version
    }
    histories = _histories(windows[-windows_to_read(rules) :], rules.of_windows)
    changes = {}
    for subject, history in histories.items():
        raised = [each for each in history if each.finding.verdict == "raised"]
        alarm = open_alarms.get(subject)
        if alarm is None and (cause := _cause(raised, rules)) is not None:
            changes[subject] = _raise(cause, now)
        elif alarm is not None and not raised and len(history) >= rules.of_windows:
            changes[subject] = _resolve(alarm, now)
    distrusted = _distrusted(windows[-1]) - changes.keys()
    ended = [_resolve(open_alarms[each], now) for each in open_alarms if each in distrusted]
    return [*replaced, *changes.values(), *ended]


def _distrusted(newest: JudgedWindow) -> set[tuple[str, str]]:
    """Estimates that count for nothing, since the relation changed: what one of them raised is no longer known."""
    return {
        (finding.kind, finding.column)
        for finding in newest.findings
        if finding.kind == "estimate" and finding.reason == RELATION_CHANGED
    }


def _histories(
    windows: Sequence[JudgedWindow], most: int
) -> dict[tuple[str, str], list[Statement]]:
    """By kind and column, the last windows in which it could be judged, the oldest first."""
    histories: dict[tuple[str, str], list[Statement]] = {}
    for record, findings in windows:
        for finding in findings:
            if finding.kind in KINDS and finding.verdict != "unknown":
                histories.setdefault((finding.kind, finding.column), []).append(
                    Statement(record, finding)
                )
    return {subject: history[-most:] for subject, history in histories.items()}


def _cause(raised: list[Statement], rules: JudgingRules) -> Statement | None:
    """The newest raised window, if enough others moved as it did."""
    if not raised:
        return None
    newest = raised[-1]
    alike = [each for each in raised if _same_way(each.finding, newest.finding)]
    return newest if len(alike) >= min(rules.alarm_windows, rules.of_windows) else None


def _same_way(finding: Finding, other: Finding) -> bool:
    """Where findings tell a direction, it is a list of numbers whose product is negative for opposite ones."""
    first, second = finding.details.get("direction", ()), other.details.get("direction", ())
    if len(first) != len(second):
        return True
    return bool(sum(a * b for a, b in zip(first, second, strict=True)) >= 0)


def _raise(statement: Statement, now: dt.datetime) -> Alarm:
    record, finding = statement
    return Alarm(
        model=record.model,
        version=record.version,
        arm=record.arm,
        kind=finding.kind,
        column=finding.column,
        raised_at=now,
        window_start=record.start,
        reason=finding.reason,
        value=finding.value,
    )


def _resolve(alarm: Alarm, now: dt.datetime) -> Alarm:
    return msgspec.structs.replace(alarm, resolved_at=now)
