from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from monitoring.experiment.evidence.counters import Requests
from monitoring.experiment.evidence.reading import ExperimentReader
from monitoring.experiment.looks import ExperimentLooks, LookTimes
from monitoring.experiment.stages import Served
from monitoring.experiment.values import Experiment
from monitoring.findings import Experiments, Store
from monitoring.window.journal import JournalReader
from tests.support.monitoring.experiment import MODEL, ExperimentJournal

MINUTE = dt.timedelta(minutes=1)


class Trial:
    """An experiment over a journal; `look(n)` looks n minutes after its beginning, when all before is journalled."""

    def __init__(self, url: str, store: Store):
        now = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
        self.start, self.store = now - dt.timedelta(hours=3), store
        self.journal = ExperimentJournal(url)
        self._journal_reader = JournalReader(url)
        self._reader = ExperimentReader(url, self._journal_reader)
        self.kept = Experiments(store)
        # The journal is read at each look, however busy this machine is.
        self.looks = self._looks_by(lambda: 0.0)
        self.requests: Requests = {}

    def at(self, minutes: float) -> dt.datetime:
        return self.start + minutes * MINUTE

    def read_by(self, clock: Callable[[], float]) -> None:
        self.looks = self._looks_by(clock)

    def _looks_by(self, clock: Callable[[], float]) -> ExperimentLooks:
        return ExperimentLooks(self.kept, self._reader, lambda *_: None, clock)

    def look(self, minutes: float, share: float | None = 0.5) -> Experiment:
        experiment = self.look_at(minutes, Served("1", "2", share))
        assert experiment is not None
        return experiment

    def look_at(self, minutes: float, served: Served | None) -> Experiment | None:
        now = self.at(minutes)
        return self.looks.look(MODEL, served, self.requests, LookTimes(now, now, self.at(-60)))

    def count(self, replica: str, champion: tuple[int, int], challenger: tuple[int, int]) -> None:
        """What a replica has answered and what failed, since it started."""
        by_arm = {
            (MODEL, "1", "champion"): tuple(map(float, champion)),
            (MODEL, "2", "challenger"): tuple(map(float, challenger)),
        }
        others: dict[str, Any] = dict(self.requests)
        self.requests = others | {replica: by_arm}

    def close(self) -> None:
        self.journal.close()
        self._reader.close()
        self._journal_reader.close()


@pytest.fixture
def trial(database: str, store: Store) -> Iterator[Trial]:
    trial = Trial(database.replace("monitor.db", "journal.db"), store)
    yield trial
    trial.close()
