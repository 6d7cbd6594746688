"""What was said of earlier windows of an arm, as judging and alarms need it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from monitoring.exporter.snapshot import FORGOTTEN
from monitoring.findings import Alarm, Finding, Store, WindowRecord
from monitoring.judge.alarms import KINDS, JudgedWindow, change_alarms, windows_to_read
from monitoring.judge.judge import Judgement
from monitoring.schedule.due import EMPTY_WINDOWS, ONE_DAY
from monitoring.window.values import Arm
from service.bundle.monitor_rules import JudgingRules

#: What is known only once truth is in, which may be many windows later.
BY_TRUTH = ("quality", "trust")
BY_ROWS = tuple(kind for kind in KINDS if kind not in BY_TRUTH)
#: What a judgement compares its window with, beside whether truth still agrees with estimates: what dropped.
COMPARED = ("estimate", "quality", "slice")
COMPARED_WINDOWS = 30
#: So many windows back are looked through for those with truth.
TRUTH_WINDOWS = 500
#: Among which there is one with rows: of each version, only a few without follow it.
NEWEST_WINDOWS = 40


class History:
    """Reads of the store what it gives."""

    def __init__(self, store: Store):
        self._store = store

    def before(self, arm: Arm, start: dt.datetime) -> list[list[Finding]]:
        """The findings of the windows before one, the oldest first."""
        model, version, name = arm
        # Truth may come hundreds of windows late: what it said of the relation holds until other truth is in.
        trust = self._store.series(
            *(model, ("trust",)), version=version, arm=name, before=start, limit=TRUTH_WINDOWS
        )  # fmt: skip
        others = self._store.series(
            *(model, COMPARED), version=version, arm=name, before=start, limit=COMPARED_WINDOWS, details=True
        )  # fmt: skip
        windows = _grouped((*trust, *others))
        windows.sort(key=lambda window: window.record.start)
        return [list(window.findings) for window in windows]

    def changes(self, judgement: Judgement, rules: JudgingRules) -> list[Alarm]:
        """The alarms that begin or end by a judgement, with what was said then.

        None of a version in whose place another answers by now: nobody could end it any more.
        """
        record = judgement.record
        if self._newest_version(record) != record.version:
            return []
        standing = self._store.alarms(record.model, True, 1000)
        changes: dict[tuple[str, str, str], Alarm] = {}
        for kinds in (BY_ROWS, BY_TRUTH):
            windows = self._windows(judgement, kinds, windows_to_read(rules))
            alarms = change_alarms(windows, standing, rules, record.judged_at)
            for alarm in alarms:
                changes[alarm.version, alarm.kind, alarm.column] = _with_evidence(alarm, windows)
        return list(changes.values())

    def withdrawn(self, now: dt.datetime) -> list[Alarm]:
        """Alarms of arms that nobody asks any more, resolved: no window of theirs will ever end them."""
        return [
            replace(alarm, resolved_at=now)
            for alarm in self._store.alarms(standing=True, limit=1000)
            if self._is_withdrawn(alarm, now)
        ]

    def _is_withdrawn(self, alarm: Alarm, now: dt.datetime) -> bool:
        """Its model goes on without it; or nobody asks the model either, for longer than anybody is away."""
        records = self._store.windows(
            alarm.model, alarm.version, alarm.arm, limit=EMPTY_WINDOWS + 1
        )
        if not records:
            return True
        last = next((record for record in records if record.rows), records[-1])
        newest = self._store.windows(alarm.model, limit=1)[0]
        patience = ONE_DAY + EMPTY_WINDOWS * (last.end - last.start)
        return newest.end - last.end > patience or now - last.end > FORGOTTEN

    def _newest_version(self, record: WindowRecord) -> str:
        """The one whose predictions of this arm are the newest."""
        earlier_windows = self._store.windows(record.model, arm=record.arm, limit=NEWEST_WINDOWS)
        with_rows = [window for window in (*earlier_windows, record) if window.rows]
        newest = max(
            with_rows,
            key=lambda window: (window.start, window.last or window.start),
            default=record,
        )
        return newest.version

    def _windows(
        self, judgement: Judgement, kinds: Collection[str], most: int
    ) -> list[JudgedWindow]:
        """The newest of the arm, oldest first, with findings of these kinds; this judgement in its place."""
        record = judgement.record
        by_truth = kinds == BY_TRUTH
        pairs = self._store.series(
            *(record.model, kinds),
            version=record.version,
            arm=record.arm,
            limit=TRUTH_WINDOWS if by_truth else most,
            details=not by_truth,
        )
        others = [window for window in _grouped(pairs) if window.record.start != record.start]
        findings = [finding for finding in judgement.findings if finding.kind in kinds]
        windows = [*others, JudgedWindow(record, findings)]
        if by_truth:
            windows = [window for window in windows if _has_truth(window)] or windows[-1:]
        return sorted(windows, key=lambda window: window.record.start)[-most:]


def _has_truth(window: JudgedWindow) -> bool:
    return any(finding.verdict != "unknown" for finding in window.findings)


def _grouped(pairs: Iterable[tuple[WindowRecord, Finding]]) -> list[JudgedWindow]:
    windows: dict[dt.datetime, tuple[WindowRecord, list[Finding]]] = {}
    for record, finding in pairs:
        windows.setdefault(record.start, (record, []))[1].append(finding)
    return [JudgedWindow(*window) for window in windows.values()]


def _with_evidence(alarm: Alarm, windows: Sequence[JudgedWindow]) -> Alarm:
    for window in windows:
        for finding in window.findings:
            of_it = (finding.kind, finding.column) == (alarm.kind, alarm.column)
            if of_it and window.record.start == alarm.window_start:
                return replace(alarm, evidence=alarm.evidence or finding)
    return alarm
