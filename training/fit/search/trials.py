"""Trials of a search: what is tried, on how many rows, and how it did in cross-validation."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from training.common import own_code
from training.common.errors import first_line
from training.fit.candidates.own import learning
from training.fit.candidates.pipeline import make_pipeline
from training.fit.search.folds import folds_of
from training.metrics.metric import Rows, sample_rows
from training.spec.values import Spec

Parameters = Mapping[str, Any]


class Attempt(NamedTuple):
    """What is tried: a candidate as it comes, or with parameters that were drawn."""

    candidate: str
    parameters: Parameters

    def pipeline(self, spec: Spec, contract: Contract, matrix: Matrix) -> Pipeline:
        """Not fitted. By the training rows `matrix` categories are rare or not."""
        pipeline = make_pipeline(spec, contract, self.candidate, matrix)
        return pipeline.set_params(**self.parameters)


class Trial(NamedTuple):
    """How an attempt did on so many rows; `score` is what scikit-learn's scorer gave, greater is better."""

    attempt: Attempt
    rows: int
    score: float
    spread: float
    fit_seconds: float
    #: Why the candidate cannot learn these rows, where it cannot.
    refusal: str = ""

    @property
    def candidate(self) -> str:
        return self.attempt.candidate

    @property
    def parameters(self) -> dict[str, Any]:
        """By the estimator's own names."""
        return {name.rpartition("__")[2]: value for name, value in self.attempt.parameters.items()}

    @property
    def rank(self) -> tuple[int, float]:
        """More rows say more, then a higher score does."""
        return self.rows, self.score if math.isfinite(self.score) else -math.inf


class Rehearsal(NamedTuple):
    """What trials are made of: the rows that a search may look at."""

    spec: Spec
    contract: Contract
    matrix: Matrix
    target: NDArray[Any]

    def attempt(self, attempts: Sequence[Attempt], rows: int) -> list[Trial]:
        """Each on the same rows and the same folds, all at once on whatever joblib is told to run them on."""
        chosen = sample_rows(len(self.matrix), rows, self.spec.search.seed)
        matrix, target = self.matrix[chosen], self.target[chosen]
        folds = folds_of(self.spec, matrix, target)
        trials = []
        for group in _groups(attempts):
            # What own code raises is told from what ours does by the group that it came from.
            with learning(group[0].candidate):
                trials += self._attempt(group, matrix, target, folds)
        return trials

    def _attempt(
        self,
        attempts: Sequence[Attempt],
        matrix: Matrix,
        target: NDArray[Any],
        folds: Sequence[tuple[Rows, Rows]],
    ) -> list[Trial]:
        # Else joblib's workers would each make threads of their own, as many as the machine has cores.
        # By all rows, not by this rung's: what is rare in a sample may be common in them.
        pipelines = [
            _sequential(each.pipeline(self.spec, self.contract, self.matrix)) for each in attempts
        ]
        results = joblib.Parallel()(
            joblib.delayed(_fold)(each.candidate, pipeline, self.spec.scorer, matrix, target, *fold)
            for each, pipeline in zip(attempts, pipelines, strict=True)
            for fold in folds
        )
        each = [results[at : at + len(folds)] for at in range(0, len(results), len(folds))]
        return [_trial(*pair, len(matrix)) for pair in zip(attempts, each, strict=True)]


class _Fold(NamedTuple):
    score: float
    seconds: float
    refusal: str = ""


def _fold(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    candidate: str,
    pipeline: Pipeline,
    scorer: str,
    matrix: Matrix,
    target: NDArray[Any],
    learnt: Rows,
    judged: Rows,
) -> _Fold:
    """One fit and its score. One BLAS thread: sums come out alike on every machine."""
    started = time.perf_counter()
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        for category in (ConvergenceWarning, UndefinedMetricWarning):
            warnings.simplefilter("ignore", category)
        # Of a linear model, whose fits were never spread.
        warnings.filterwarnings("ignore", "'n_jobs' has no effect")
        try:
            pipeline.fit(matrix[learnt], target[learnt])
            seconds = time.perf_counter() - started
            score = float(get_scorer(scorer)(pipeline, matrix[judged], target[judged]))
        except ValueError as error:
            if own_code.is_own(candidate):
                raise
            return _Fold(math.nan, 0.0, first_line(error))
    return _Fold(score, seconds)


def _groups(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """Neighbours that are all ours together, each of own code alone."""
    groups: list[list[Attempt]] = []
    for attempt in attempts:
        own = own_code.is_own(attempt.candidate)
        if own or not groups or own_code.is_own(groups[-1][-1].candidate):
            groups.append([])
        groups[-1].append(attempt)
    return groups


def _trial(attempt: Attempt, folds: Sequence[_Fold], rows: int) -> Trial:
    scores = np.array([fold.score for fold in folds])
    refusal = next((fold.refusal for fold in folds if fold.refusal), "")
    seconds = float(np.mean([fold.seconds for fold in folds]))
    return Trial(attempt, rows, float(scores.mean()), float(scores.std()), seconds, refusal)


def _sequential(pipeline: Pipeline) -> Pipeline:
    """The fits are what is spread: left open, each would use all cores, and Dask send each tree of a forest alone."""
    return pipeline.set_params(
        **{name: 1 for name in pipeline.get_params() if name.endswith("n_jobs")}
    )
