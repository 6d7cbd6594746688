"""One look: what is due is judged, kept and told; what is down is said, and waited for until the next look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from monitoring.findings import FindingsUnavailable, Store
from monitoring.references import NoReference, References
from monitoring.schedule import due, service_metrics
from monitoring.schedule import sources as names
from monitoring.schedule.clock import Moment, read_moment
from monitoring.schedule.experiments import ExperimentSchedule
from monitoring.schedule.sources import Sources
from monitoring.schedule.upkeep import DAY, HOUR, Upkeep
from monitoring.schedule.window_judge import Subject, WindowJudge
from monitoring.settings import Settings
from monitoring.window.connection import NoPredictions
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Span
from service.bundle.lengths import parse_horizon, parse_window
from service.bundle.monitor_rules import MonitorRules
from service.journal.errors import Unavailable

MINUTE = dt.timedelta(minutes=1)


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
        self._lookback = dt.timedelta(days=settings.monitor_lookback_days)
        self._metrics = service_metrics.ServiceMetrics()
        self._arms: set[Arm] | None = None
        #: Of the oldest prediction in a spool for which windows are not waited any longer.
        self._lagging_since: dt.datetime | None = None
        self._judge = WindowJudge(store, journal, sources, settings.monitor_sample)
        self._upkeep = Upkeep(store, journal, references, settings.monitor_retention_days)
        self._experiments = ExperimentSchedule(settings, store, journal, references, sources)

    def look(self, now: dt.datetime | None = None) -> int:
        """How many windows were judged. What is down is noted in the sources, never raised."""
        judged = 0
        try:
            moment = self._moment(now or dt.datetime.now(dt.UTC))
            # First of all: a challenger that fails is stopped by it.
            self._experiments.look(self._metrics, moment)
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
            self._upkeep.count_again(self._arms or (), moment)
            self._upkeep.sweep(self._arms or (), moment)
            self._sources.note(names.JOURNAL, not fault, fault or self._lag_reason(moment))
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

    def close(self) -> None:
        self._experiments.close()

    def _moment(self, now: dt.datetime) -> Moment:
        self._metrics = self._ask_service()
        newest = self._journal.newest(now - HOUR)
        moment = read_moment(
            now,
            self._store.clock(),
            newest,
            self._metrics.lag,
            self._settings.monitor_allowance,
            self._settings.monitor_patience,
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

    def _lag_reason(self, moment: Moment) -> str:
        """Empty where no window has to be judged without all of its rows. It changes when another spool lags."""
        if not moment.lags:
            self._lagging_since = None
            return ""
        oldest = moment.now - dt.timedelta(seconds=self._metrics.lag)
        # Scrapes are some seconds old: without this it would be another time at every look.
        if self._lagging_since is None or abs(oldest - self._lagging_since) > MINUTE:
            self._lagging_since = oldest
        return (
            f"{self._metrics.spool} lags since {self._lagging_since:%Y-%m-%d %H:%M} UTC, longer than"
            f" MONITOR_PATIENCE ({self._settings.monitor_patience:.0f} s): windows after that are judged with the rows"
            " that are there, and again when the others come"
        )

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
        due.mark_complete(self._store, self._journal, model, moment, self._lookback)
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
            self._judge_window(subject, window, moment)
            count += 1
        if count:
            due.mark_by_rows(self._store, self._journal, arm, records, moment.now)
        return count

    def _judge_again(self, subject: Subject, moment: Moment) -> int:
        late = due.again(self._store.late(*subject.arm), moment.now)
        for record in late:
            span = Span(record.start, record.end)
            predictions = self._journal.count(subject.arm, span).predictions
            self._judge_window(subject, due.Due(span, predictions, record), moment)
        return len(late)

    def _judge_window(self, subject: Subject, window: due.Due, moment: Moment) -> None:
        share = self._metrics.shares.get((*subject.arm,))
        self._judge.judge(subject, window, moment, share)


def _horizon(subject: Subject, moment: Moment) -> dt.datetime:
    """How far back truth is taken in."""
    return moment.now - parse_horizon(subject.rules.truth_horizon)
