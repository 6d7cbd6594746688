"""The search: the candidates share a budget of trials and of seconds; few rows sort out what is worth many.

A round tries some attempts on few rows, the better third of them on three times as many, and so on up to
`search.rows`. The first round has every candidate as it comes. Each later one draws parameters for the two
candidates that lead, half of them near the best so far. Where seconds are limited, each candidate is timed on very
few rows first; from then on nothing is tried for which there is no time.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import joblib
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from training.common import interrupts
from training.common.errors import TrainingError
from training.common.own_code import OwnCodeError
from training.common.progress import say
from training.fit.search.cluster import workers
from training.fit.search.draws import first_round, next_round
from training.fit.search.trials import Attempt, Rehearsal, Trial
from training.spec.values import Spec

#: By how much the rows grow from one rung of a round to the next, and what part of the attempts goes on.
GROWTH = 3
#: Fewer rows sort nothing out.
FEWEST_ROWS = 4_000
#: On so few a candidate is timed: a neural network takes seconds for them, and minutes for `search.rows`. Of fewer,
#: boosted trees would be made without early stopping, which says nothing of how long they take with it.
TIMED_ROWS = 2_000
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
    clock = _Clock(spec.search.budget_seconds, spec.search.folds)
    rehearsal = Rehearsal(spec, contract, matrix, target)
    first = first_round(spec)
    trials: list[Trial] = []
    with workers(cluster), warnings.catch_warnings():
        # The data checks have said so already.
        warnings.filterwarnings("ignore", "The least populated class")
        # Dask's advice to scatter; training/fit/search/cluster.py says why not.
        warnings.filterwarnings("ignore", "Sending large graph")
        trials += _time_each(rehearsal, first, clock)
        for attempts in _rounds(spec, contract, first, trials):
            climbed = list(_climb(rehearsal, attempts, clock))
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
    """The budget of seconds, and what of it a fit of each candidate takes."""

    def __init__(self, budget: float | None, folds: int):
        self._started, self._budget, self._folds = time.monotonic(), budget or math.inf, folds
        self._seconds_a_row: dict[str, float] = {}

    @property
    def limited(self) -> bool:
        return math.isfinite(self._budget)

    @property
    def passed(self) -> float:
        return time.monotonic() - self._started

    def note(self, trials: Sequence[Trial]) -> None:
        """Keeps, of each candidate, how many seconds a row its slowest fit took."""
        for name in {trial.candidate for trial in trials}:
            own = [trial.fit_seconds / trial.rows for trial in trials if trial.candidate == name]
            self._seconds_a_row[name] = max(own)

    def affordable(self, attempts: Sequence[Attempt], rows: int, most: int) -> list[Attempt]:
        """The first of those for which there is time: one that is too slow lets cheaper ones behind it pass."""
        chosen: list[Attempt] = []
        for attempt in attempts:
            if self.passed + self._estimate([*chosen, attempt], rows) <= self._budget:
                chosen.append(attempt)
        return chosen[:most]

    def _estimate(self, attempts: Sequence[Attempt], rows: int) -> float:
        """No fit is split, so that all of them take as long as the longest at least."""
        fits = [self._seconds_a_row.get(attempt.candidate, 0.0) * rows for attempt in attempts]
        together = sum(fits) * self._folds / int(joblib.effective_n_jobs())
        return max(together, *fits)


def _time_each(rehearsal: Rehearsal, attempts: Sequence[Attempt], clock: _Clock) -> Iterator[Trial]:
    """Each on few rows, where seconds are limited. What cannot learn these is not timed, for it may well learn more."""
    if (
        not clock.limited
        or _rungs(len(rehearsal.matrix), rehearsal.spec.search.rows)[0] <= TIMED_ROWS
    ):
        return
    for attempt in attempts:
        with contextlib.suppress(OwnCodeError):
            trials = [
                trial for trial in rehearsal.attempt([attempt], TIMED_ROWS) if not trial.refusal
            ]
            clock.note(trials)
            yield from trials


def _rounds(
    spec: Spec, contract: Contract, first: list[Attempt], trials: Sequence[Trial]
) -> Iterator[list[Attempt]]:
    """Until the budget of trials is used up; an attempt counts once, on however many rows it was tried."""
    left, number, attempts = spec.search.budget, 0, first
    while attempts:
        yield attempts
        left, number = left - len(attempts), number + 1
        ranking = _best_of_each(trials)
        attempts = next_round(spec, contract, number, ranking)[: max(0, left)] if ranking else []


def _climb(rehearsal: Rehearsal, attempts: list[Attempt], clock: _Clock) -> Iterator[Trial]:
    """The attempts on few rows, the better ones on more, the best on all: as far as the time goes."""
    most = len(attempts)
    for rows in _rungs(len(rehearsal.matrix), rehearsal.spec.search.rows):
        interrupts.heed()
        attempts = clock.affordable(attempts, rows, most)
        if not attempts:
            return
        trials = rehearsal.attempt(attempts, rows)
        clock.note(trials)
        _say_refusals(rehearsal.spec, trials)
        trials = [trial for trial in trials if not trial.refusal]
        yield from trials
        best = sorted(trials, key=lambda trial: trial.rank, reverse=True)
        attempts, most = [trial.attempt for trial in best], max(FINALISTS, len(best) // GROWTH)


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
