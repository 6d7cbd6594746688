"""The search: the candidates share a budget of trials and of seconds; few rows sort out what is worth many.

A round tries some attempts on few rows, the better third of them on three times as many, and so on up to
`search.rows`. The first round has every candidate as it comes, and is always finished. Each later one draws
parameters for the two candidates that lead, half of them near the best so far.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from training.common.errors import TrainingError
from training.common.progress import say
from training.fit.cluster import workers
from training.fit.draws import first_round, next_round
from training.fit.trials import Attempt, Rehearsal, Trial
from training.spec.values import Spec

#: By how much the rows grow from one rung of a round to the next, and what part of the attempts goes on.
GROWTH = 3
#: Fewer rows sort nothing out.
FEWEST_ROWS = 4_000
#: So many attempts at least reach all rows, to be compared there.
FINALISTS = 2


class SearchResult(NamedTuple):
    """All trials, and the best of each candidate, best first. `seconds` is what it took."""

    trials: tuple[Trial, ...]
    ranking: tuple[Trial, ...]
    seconds: float

    def best_of(self, candidate: str) -> Trial | None:
        return next((best for best in self.ranking if best.candidate == candidate), None)


def search(
    spec: Spec, contract: Contract, matrix: Matrix, target: NDArray[Any], cluster: str = ""
) -> SearchResult:
    """Try the spec's candidates. What is tried is decided here by the seed, so where it runs changes nothing."""
    clock = _Clock(spec.search.budget_seconds)
    rehearsal = Rehearsal(spec, contract, matrix, target)
    trials: list[Trial] = []
    with workers(cluster), warnings.catch_warnings():
        # The data checks have said so already.
        warnings.filterwarnings("ignore", "The least populated class")
        # Dask's advice to scatter; training/fit/cluster.py says why not.
        warnings.filterwarnings("ignore", "Sending large graph")
        for attempts in _rounds(spec, contract, trials):
            climbed = list(_climb(rehearsal, attempts, clock, first=not trials))
            trials += climbed
            if not climbed:
                break
            say(f"{spec.name}: {_so_far(spec, trials, clock)}")
    ranking = _best_of_each(trials)
    if not ranking:
        raise TrainingError(
            f"{spec.name}: no candidate can learn these rows (why stands above); fewer search.folds,"
            " other search.candidates, or more rows of each class"
        )
    return SearchResult(tuple(trials), tuple(ranking), clock.passed)


class _Clock:
    """The budget of seconds, and how long one more row of an attempt takes."""

    def __init__(self, budget: float | None):
        self._started, self._budget = time.monotonic(), budget or math.inf
        self._pace = 0.0

    @property
    def passed(self) -> float:
        return time.monotonic() - self._started

    @property
    def over(self) -> bool:
        return self.passed >= self._budget

    def bears(self, work: float) -> bool:
        """Whether there is time for so many rows, at the pace of those before."""
        return self.passed + work * self._pace <= self._budget

    def note(self, work: float, started: float) -> None:
        self._pace = (self.passed - started) / work


def _rounds(spec: Spec, contract: Contract, trials: Sequence[Trial]) -> Iterator[list[Attempt]]:
    """Until the budget of trials is used up; an attempt counts once, on however many rows it was tried."""
    left, number = spec.search.budget, 0
    attempts = first_round(spec)
    while attempts:
        yield attempts
        left, number = left - len(attempts), number + 1
        ranking = _best_of_each(trials)
        attempts = next_round(spec, contract, number, ranking)[: max(0, left)] if ranking else []


def _climb(
    rehearsal: Rehearsal, attempts: list[Attempt], clock: _Clock, first: bool
) -> Iterator[Trial]:
    """The attempts on few rows, the better ones on more, the best on all: as far as the time goes."""
    for rows in _rungs(len(rehearsal.matrix), rehearsal.spec.search.rows):
        started, work = clock.passed, float(rows * len(attempts))
        if not first and not clock.bears(work):
            return
        trials = rehearsal.attempt(attempts, rows)
        clock.note(work, started)
        _say_refusals(rehearsal.spec, trials)
        trials = [trial for trial in trials if not trial.refusal]
        yield from trials
        best = sorted(trials, key=lambda trial: trial.rank, reverse=True)
        attempts = [trial.attempt for trial in best[: max(FINALISTS, len(best) // GROWTH)]]
        if not attempts:
            return


def _rungs(available: int, most: int) -> list[int]:
    """How many rows each rung looks at, fewest first."""
    rungs = [min(available, most)]
    while rungs[0] // GROWTH >= FEWEST_ROWS:
        rungs.insert(0, rungs[0] // GROWTH)
    return rungs


def _best_of_each(trials: Sequence[Trial]) -> list[Trial]:
    """The best trial of each candidate, best first."""
    best: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.rank, reverse=True):
        best.setdefault(trial.candidate, trial)
    return list(best.values())


def _say_refusals(spec: Spec, trials: Sequence[Trial]) -> None:
    for trial in trials:
        if trial.refusal:
            say(f"{spec.name}: {trial.candidate} cannot learn these rows: {trial.refusal}")


def _so_far(spec: Spec, trials: Sequence[Trial], clock: _Clock) -> str:
    tried = len({id(trial.attempt) for trial in trials})
    ranking = _best_of_each(trials)
    lead = f", {ranking[0].candidate} leads with {ranking[0].score:.4f}" if ranking else ""
    return f"search, {tried} of {spec.search.budget} tried in {clock.passed:.0f} s{lead}"
