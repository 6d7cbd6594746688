"""One window that is due: from the journal to the findings and alarms that are kept."""

from __future__ import annotations

import datetime as dt
import traceback
from typing import NamedTuple

from msgspec.structs import replace

from monitoring.findings import Store, UnfitFindings
from monitoring.judge.judge import Asked, Judgement, judge_empty, judge_unread, judge_window
from monitoring.references import VersionReference
from monitoring.schedule import sources as names
from monitoring.schedule.clock import Moment
from monitoring.schedule.due import Due
from monitoring.schedule.history import History
from monitoring.schedule.log_lines import log_judgement
from monitoring.schedule.sources import Sources
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Window
from service.bundle.monitor_rules import MonitorRules
from service.journal.errors import Unavailable
from service.process.logs import log


class Subject(NamedTuple):
    """An arm with what its windows are judged by; without a reference, why there is none."""

    arm: Arm
    rules: MonitorRules
    version: VersionReference | None
    reason: str
    #: Something is down or damaged, and may come back.
    fault: bool


class WindowJudge:
    """Judges one window after the other, and keeps what it finds; of each arm it remembers the window before."""

    def __init__(self, store: Store, journal: JournalReader, sources: Sources, sample: int):
        self._store, self._journal, self._sources = store, journal, sources
        self._sample = sample
        self._history = History(store)
        #: The window that was judged last, by model and arm: of versions that were replaced none is held in memory.
        self._former: dict[tuple[str, str], Window] = {}

    def judge(self, subject: Subject, window: Due, moment: Moment, share: float | None) -> None:
        """All of a window is kept, or nothing of it. `share` is the arm's of the traffic, as it is now."""
        asked = Asked(
            subject.arm,
            window.span,
            moment.complete,
            moment.now,
            window.predictions,
            self._sample,
        )
        if subject.fault:
            self._sources.note_part(names.REFERENCES, subject.arm, subject.reason)
        judgement = self._judgement(asked, subject, share)
        try:
            self._keep(judgement, subject, window, asked)
        except UnfitFindings as error:
            part, reason = (asked.arm.model, asked.arm.name), f"it could not be kept: {error}"
            self._sources.note_part(names.JUDGING, part, reason)
            self._keep(judge_unread(asked, reason), subject, window, asked)

    def _keep(self, judgement: Judgement, subject: Subject, window: Due, asked: Asked) -> None:
        if window.former is not None:
            # The share of traffic of then, not of today.
            former = window.former.traffic_share
            judgement = judgement._replace(record=replace(judgement.record, traffic_share=former))
        changes = self._history.changes(judgement, subject.rules)
        raised = [alarm for alarm in changes if alarm.resolved_at is None]
        resolved = [alarm for alarm in changes if alarm.resolved_at is not None]
        # Once there is a reference, it is judged by it.
        late_at = asked.now if subject.version is None else None
        self._store.save(judgement.record, judgement.findings, raised, resolved, late_at)
        self._store.note_success(subject.arm.model, dt.datetime.now(dt.UTC))
        log_judgement(judgement, changes)

    def _judgement(self, asked: Asked, subject: Subject, share: float | None) -> Judgement:
        if not asked.predictions:
            return judge_empty(asked)
        if subject.version is None:
            return judge_unread(asked, subject.reason)
        earlier = self._history.before(subject.arm, asked.span.start)
        # Whichever version: another one in its place ends a fault of the one before.
        part = (asked.arm.model, asked.arm.name)
        try:
            former = self._former.get(part)
            follows = former is not None and former.span.end == asked.span.start
            if former is None or not follows or former.version != asked.arm.version:
                former = None
            judgement = judge_window(asked, subject.version, self._journal, earlier, former)
        except Unavailable:
            raise
        # One window that cannot be judged must not keep all others from it, as an end of this process would.
        except Exception as error:  # pylint: disable=broad-exception-caught
            reason = f"it could not be judged: {type(error).__name__}: {error}"
            trace = "".join(traceback.format_exception(error))
            log("error", "judging-failed", message=reason, exception=trace, model=asked.arm.model)
            self._sources.note_part(names.JUDGING, part, reason)
            return judge_unread(asked, reason)
        self._sources.note_part(names.JUDGING, part)
        if judgement.window is not None:
            self._former[part] = judgement.window
        return judgement._replace(record=replace(judgement.record, traffic_share=share))
