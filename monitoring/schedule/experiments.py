"""Each look's experiments, of every model with a challenger: as the service says, else as the journal has it."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Iterator

from monitoring.experiment.evidence.reading import ExperimentReader
from monitoring.experiment.looks import ExperimentLooks, LookTimes
from monitoring.experiment.stages import Served, served_by_predictions, served_models
from monitoring.experiment.values import Experiment
from monitoring.findings import Experiments, FindingsUnavailable, Store
from monitoring.references import References
from monitoring.schedule import sources as names
from monitoring.schedule.clock import Moment
from monitoring.schedule.service_metrics import ServiceMetrics
from monitoring.schedule.sources import Sources
from monitoring.schedule.upkeep import HOUR
from monitoring.settings import Settings
from monitoring.window.connection import NoPredictions
from monitoring.window.journal import JournalReader
from monitoring.window.values import Span
from service.journal.errors import Unavailable
from service.process.logs import log


def _urgency(named: tuple[str, Served | None]) -> tuple[bool, str]:
    """Challengers that have callers first: a journal that takes minutes to read must hold up no `stop`."""
    model, served = named
    return served is None or served.share == 0, model


class ExperimentSchedule:
    """What is down or wrong of one model is noted, and keeps no other from its look."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        journal: JournalReader,
        references: References,
        sources: Sources,
    ):
        self._journal, self._sources = journal, sources
        self._lookback = dt.timedelta(days=settings.monitor_lookback_days)
        self._kept = Experiments(store)
        self._reader = ExperimentReader(settings.journal_url, journal)
        self._looks = ExperimentLooks(self._kept, self._reader, references.find)
        self._said: dict[str, str] = {}

    def close(self) -> None:
        self._reader.close()

    def look(self, metrics: ServiceMetrics, moment: Moment) -> None:
        """FindingsUnavailable where there is nothing to keep verdicts in."""
        times = LookTimes(moment.now, moment.watermark, moment.now - self._lookback)
        for model, served in self._served(metrics, moment):
            part = ("experiment", model)
            try:
                experiment = self._looks.look(model, served, metrics.requests, times)
            except FindingsUnavailable:
                raise
            except NoPredictions:
                continue
            except Unavailable as error:
                self._sources.note_part(names.JUDGING, part, f"experiment of {model}: {error}")
                continue
            # As of windows: one that cannot be judged must keep nobody from judging the others.
            except Exception as error:  # pylint: disable=broad-exception-caught
                reason = f"experiment of {model}: {type(error).__name__}: {error}"
                trace = "".join(traceback.format_exception(error))
                log("error", "judging-failed", message=reason, exception=trace, model=model)
                self._sources.note_part(names.JUDGING, part, reason)
                continue
            self._sources.note_part(names.JUDGING, part)
            self._say(model, experiment)

    def _served(
        self, metrics: ServiceMetrics, moment: Moment
    ) -> Iterator[tuple[str, Served | None]]:
        """Each model with what is served of it, the most urgent first; with None those whose experiment ends."""
        if metrics.shares:
            models = {model for model, _, _ in metrics.shares}
            served = served_models(metrics.shares, metrics.unsettled)
        else:
            try:
                counts = self._journal.arms(Span(moment.now - HOUR, moment.now))
            except Unavailable:
                # Which windows say as well. No experiment ends by it.
                return
            newest = {arm: count.last for arm, count in counts.items() if count.last is not None}
            models = {arm.model for arm in newest}
            served = served_by_predictions(newest)
        for model in set(self._kept.models_running()) - models:
            served[model] = None
        yield from sorted(served.items(), key=_urgency)

    def _say(self, model: str, experiment: Experiment | None) -> None:
        """In the log, once."""
        verdict = experiment.verdict if experiment is not None else ""
        if experiment is not None and self._said.get(model) != verdict:
            level = "warning" if experiment.stop else "info"
            message = (
                f"challenger {experiment.challenger} against champion {experiment.champion}:"
                f" {verdict}: {experiment.reason}"
            )
            log(level, "experiment-verdict", message=message, model=model)
        self._said[model] = verdict
