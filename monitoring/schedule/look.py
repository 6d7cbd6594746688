"""One look: what is due is judged, kept and told; what is down is said, and waited for until the next look."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from monitoring.findings import Alarm, FindingsUnavailable, Store
from monitoring.judge.judge import Asked, Judgement, judge_empty, judge_unread, judge_window
from monitoring.references import NoReference, References, VersionReference
from monitoring.schedule import due, service_metrics
from monitoring.schedule import sources as names
from monitoring.schedule.clock import Moment, read_moment
from monitoring.schedule.history import History
from monitoring.schedule.sources import Sources
from monitoring.settings import Settings
from monitoring.window.journal import Arm, JournalReader, NoPredictions
from monitoring.window.values import Span, Window
from service.bundle.lengths import parse_horizon, parse_window
from service.bundle.monitor_rules import MonitorRules
from service.journal.errors import Unavailable
from service.process.logs import log

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
#: Of the hourly count of windows that are judged already: those of the last day, and predictions in all.
MOST_COUNTED = 5_000_000


class Subject(NamedTuple):
    """An arm with what its windows are judged by; without a reference, why there is none."""

    arm: Arm
    rules: MonitorRules
    version: VersionReference | None
    reason: str
    #: Something is down or damaged, and may come back.
    fault: bool


class Monitor:
    """What a look needs, and what one look leaves to the next."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        journal: JournalReader,
        references: References,
        sources: Sources,
    ):
        self._settings, self._store, self._journal = settings, store, journal
        self._references, self._sources = references, sources
        self._history = History(store)
        self._lookback = dt.timedelta(days=settings.monitor_lookback_days)
        self._metrics = service_metrics.ServiceMetrics()
        self._arms: set[Arm] | None = None
        #: The window that was judged last, by model and arm: of versions that were replaced none is held in memory.
        self._former: dict[tuple[str, str], Window] = {}
        self._counted = self._swept = dt.datetime.min.replace(tzinfo=dt.UTC)

    def look(self, now: dt.datetime | None = None) -> int:
        """How many windows were judged. What is down is noted in the sources, never raised."""
        judged = 0
        try:
            moment = self._moment(now or dt.datetime.now(dt.UTC))
            subjects = {
                model: [self._subject(arm) for arm in arms]
                for model, arms in self._models(moment).items()
            }
            faults: dict[str, str] = {}
            # What is new of every model comes before what is judged again of any.
            for look in (self._look_new, self._look_again):
                for model in sorted(subjects.keys() - faults.keys()):
                    judged += self._look_apart(look, model, subjects[model], moment, faults)
            fault = "; ".join(faults.values())
            self._count_again(moment)
            self._sweep(moment)
            self._sources.note(names.JOURNAL, not fault, fault)
        except FindingsUnavailable as error:
            self._sources.note(names.FINDINGS, False, str(error))
            return judged
        except NoPredictions as error:
            # A stack that nobody has called yet is no fault of anybody.
            self._sources.note(names.JOURNAL, True, str(error))
        except Unavailable as error:
            self._sources.note(names.JOURNAL, False, str(error))
        self._sources.save()
        return judged

    def _moment(self, now: dt.datetime) -> Moment:
        self._metrics = self._ask_service()
        newest = self._journal.newest(now - HOUR)
        moment = read_moment(
            now, self._store.clock(), newest, self._metrics.lag, self._settings.monitor_allowance
        )
        self._sources.note(names.CLOCK, not moment.reason, moment.reason, moment.skew)
        return moment

    def _ask_service(self) -> service_metrics.ServiceMetrics:
        """What was said last, where nobody answers: the allowance covers a while."""
        settings, source = self._settings, ""
        try:
            if settings.prometheus_url:
                source = names.PROMETHEUS
                metrics = service_metrics.from_prometheus(settings.prometheus_url)
                self._sources.note(source, True)
                return metrics
            if settings.service_url:
                return service_metrics.from_service(settings.service_url)
        except service_metrics.Unanswered as error:
            if source:
                self._sources.note(source, False, str(error))
        return self._metrics

    def _models(self, moment: Moment) -> dict[str, list[Arm]]:
        """Every arm that predicted of late, by model. At the start the last weeks are looked through."""
        if self._arms is None:
            since = moment.now - self._lookback
            self._arms = set(self._journal.seen(Span(since, moment.now + DAY)))
        else:
            self._arms |= set(self._journal.seen(Span(moment.now - HOUR, moment.now)))
        models: dict[str, list[Arm]] = {}
        for arm in sorted(self._arms):
            models.setdefault(arm.model, []).append(arm)
        return models

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def _look_apart(
        self,
        look: Callable[[str, list[Subject], Moment], int],
        model: str,
        subjects: list[Subject],
        moment: Moment,
        faults: dict[str, str],
    ) -> int:
        """How many windows were judged; `faults` gets what keeps the journal from answering of this model alone."""
        try:
            return look(model, subjects, moment)
        except FindingsUnavailable:
            raise
        except Unavailable as error:
            # A statement that takes too long must not keep other models from it. A journal that is away raises again.
            self._journal.newest(moment.now - HOUR)
            faults[model] = f"{model}: {error}"
            return 0

    def _look_new(self, _model: str, subjects: list[Subject], moment: Moment) -> int:
        return sum(self._judge_new(subject, moment) for subject in subjects)

    def _look_again(self, model: str, subjects: list[Subject], moment: Moment) -> int:
        since = {subject.arm: _horizon(subject, moment) for subject in subjects}
        due.mark_by_truth(self._store, self._journal, model, since, moment)
        judged = sum(self._judge_again(subject, moment) for subject in subjects)
        self._store.note_success(model, dt.datetime.now(dt.UTC))
        return judged

    def _subject(self, arm: Arm) -> Subject:
        try:
            version = self._references.of(arm.model, arm.version)
        except NoReference as error:
            if not error.fault:
                self._sources.note_part(names.REFERENCES, arm)
            return Subject(arm, MonitorRules(), None, str(error), error.fault)
        self._sources.note_part(names.REFERENCES, arm)
        return Subject(arm, version.rules, version, version.reason, False)

    def _length(self, rules: MonitorRules) -> due.Length:
        return parse_window(self._settings.monitor_window or rules.window)

    def _judge_new(self, subject: Subject, moment: Moment) -> int:
        arm = subject.arm
        records = self._store.windows(*arm, limit=due.EMPTY_WINDOWS + 1)
        windows = due.new_windows(
            self._journal, arm, self._length(subject.rules), records, moment, self._lookback
        )
        count = 0
        for window in windows:
            self._judge(subject, window, moment)
            count += 1
        if count:
            due.mark_by_rows(self._store, self._journal, arm, records, moment.now)
        return count

    def _judge_again(self, subject: Subject, moment: Moment) -> int:
        late = due.again(self._store.late(*subject.arm), moment.now)
        for record in late:
            span = Span(record.start, record.end)
            predictions = self._journal.count(subject.arm, span).predictions
            self._judge(subject, due.Due(span, predictions, record), moment)
        return len(late)

    def _judge(self, subject: Subject, window: due.Due, moment: Moment) -> None:
        """From the journal to the findings and alarms that are kept: all of a window, or nothing of it."""
        asked = Asked(
            subject.arm,
            window.span,
            moment.watermark,
            moment.now,
            window.predictions,
            self._settings.monitor_sample,
        )
        if subject.fault:
            self._sources.note_part(names.REFERENCES, subject.arm, subject.reason)
        judgement = self._judgement(asked, subject)
        if window.former is not None:
            # The share of traffic of then, not of today.
            share = window.former.traffic_share
            judgement = judgement._replace(record=replace(judgement.record, traffic_share=share))
        changes = self._history.changes(judgement, subject.rules)
        raised = [alarm for alarm in changes if alarm.resolved_at is None]
        resolved = [alarm for alarm in changes if alarm.resolved_at is not None]
        # Once there is a reference, it is judged by it.
        late_at = asked.now if subject.version is None else None
        self._store.save(judgement.record, judgement.findings, raised, resolved, late_at)
        self._store.note_success(subject.arm.model, dt.datetime.now(dt.UTC))
        _tell(judgement, changes)

    def _judgement(self, asked: Asked, subject: Subject) -> Judgement:
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
        share = self._metrics.shares.get((*subject.arm,))
        return judgement._replace(record=replace(judgement.record, traffic_share=share))

    def _count_again(self, moment: Moment) -> None:
        """Once an hour, whether rows came to the windows of the last day: a node may have been away with its spool."""
        if self._arms is None or moment.now - self._counted < HOUR:
            return
        self._counted = moment.now
        counted = 0
        for arm in sorted(self._arms):
            for record in self._store.windows(
                *arm, since=moment.now - DAY, limit=due.MOST_SEARCHED
            ):
                counted += record.predictions
                if counted <= MOST_COUNTED:
                    due.mark_by_rows(self._store, self._journal, arm, [record], moment.now)

    def _sweep(self, moment: Moment) -> None:
        """Once a day, what is too old to be kept goes."""
        days = self._settings.monitor_retention_days
        if moment.now - self._swept < DAY:
            return
        self._swept = moment.now
        for alarm in self._history.withdrawn(moment.now):
            self._store.resolve_alarm(alarm)
            _tell_of(alarm)
        self._store.forget_successes({arm.model for arm in self._arms or ()})
        if days:
            self._store.expire(moment.now - dt.timedelta(days=days))
        self._references.forget({(arm.model, arm.version) for arm in self._store.arms()})


def _horizon(subject: Subject, moment: Moment) -> dt.datetime:
    """How far back truth is taken in."""
    return moment.now - parse_horizon(subject.rules.truth_horizon)


def _tell(judgement: Judgement, changes: list[Alarm]) -> None:
    record = judgement.record
    of = {"model": record.model, "version": record.version, "arm": record.arm}
    raised = [finding for finding in judgement.findings if finding.verdict == "raised"]
    message = f"{record.rows} rows from {record.start.isoformat()}: {len(raised)} findings raised"
    log("info", "window-judged", message=message, **of)
    for alarm in changes:
        _tell_of(alarm)


def _tell_of(alarm: Alarm) -> None:
    word = "raised" if alarm.resolved_at is None else "resolved"
    message = f"{' '.join(filter(None, (alarm.kind, alarm.column)))}: {alarm.reason or word}"
    of = {"model": alarm.model, "version": alarm.version, "arm": alarm.arm}
    log("warning", f"alarm-{word}", message=message, **of)
