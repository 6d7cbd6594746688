"""The search: the named candidates share a budget of trials."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import joblib
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.model_selection import KFold, RandomizedSearchCV, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from training.common.errors import TrainingError
from training.common.progress import say, steps
from training.fit.candidates.own import learning
from training.fit.candidates.pipeline import make_pipeline, space
from training.fit.cluster import workers
from training.metrics.metric import sample_rows
from training.spec.values import Spec


class Trial(NamedTuple):
    """One set of parameters; `score` is what scikit-learn's scorer gave, greater is better."""

    candidate: str
    parameters: dict[str, Any]
    score: float
    spread: float
    fit_seconds: float


class FittedCandidate(NamedTuple):
    """The best of one candidate, fitted on the rows that the trials saw."""

    candidate: str
    pipeline: Pipeline
    score: float


class SearchResult(NamedTuple):
    """All trials, and the best of each candidate, best first."""

    trials: tuple[Trial, ...]
    ranking: tuple[FittedCandidate, ...]
    seconds: float

    def best_of(self, candidate: str) -> FittedCandidate | None:
        return next((best for best in self.ranking if best.candidate == candidate), None)


def search(
    spec: Spec, contract: Contract, matrix: Matrix, target: NDArray[Any], cluster: str = ""
) -> SearchResult:
    """Try the spec's candidates. The trials are drawn here from the seed, so where they run changes nothing."""
    started, all_rows = time.monotonic(), matrix
    rows = sample_rows(len(matrix), spec.search.rows, spec.search.seed)
    matrix, target = matrix[rows], target[rows]
    share = _share(spec, contract)
    fitted, trials = [], []
    # One BLAS thread: small networks only wait on more, and sums come out alike on every machine.
    with workers(cluster), threadpool_limits(1, "blas"), warnings.catch_warnings():
        for category in (ConvergenceWarning, UndefinedMetricWarning):
            warnings.simplefilter("ignore", category)
        # The data checks have said so already.
        warnings.filterwarnings("ignore", "The least populated class")
        # Dask's advice to scatter; training/fit/cluster.py says why not.
        warnings.filterwarnings("ignore", "Sending large graph")
        candidates = spec.search.candidates
        for name in steps(candidates, f"{spec.name}: search", len(candidates)):
            best = _search_one(
                spec, make_pipeline(spec, contract, name, all_rows), space(contract, name), share
            )
            if cluster:
                best.set_params(**_sequential(best))
            try:
                with learning(name):
                    best.fit(matrix, target)
            except ValueError as error:
                reason = str(error).strip().splitlines()[0]
                say(f"{spec.name}: {name} cannot learn these rows: {reason}")
                continue
            fitted.append(FittedCandidate(name, best.best_estimator_, float(best.best_score_)))
            trials += _trials(name, best.cv_results_)
    if not fitted:
        raise TrainingError(
            f"{spec.name}: no candidate can learn these rows (why stands above); fewer search.folds,"
            " other search.candidates, or more rows of each class"
        )
    ranking = sorted(fitted, key=lambda best: -best.score)
    return SearchResult(tuple(trials), tuple(ranking), time.monotonic() - started)


def refit_on_all_rows(
    spec: Spec, candidate: FittedCandidate, matrix: Matrix, target: NDArray[Any]
) -> FittedCandidate:
    """The same parameters fitted on every row, where the trials saw only a sample."""
    if len(matrix) <= spec.search.rows:
        return candidate
    with threadpool_limits(1, "blas"), joblib.parallel_config("loky", n_jobs=os.cpu_count()):
        with learning(candidate.candidate):
            pipeline = clone(candidate.pipeline).fit(matrix, target)
        return candidate._replace(pipeline=pipeline)


def _share(spec: Spec, contract: Contract) -> int:
    """Trials for each candidate that has something to vary; any other has one."""
    varied = sum(bool(space(contract, name)) for name in spec.search.candidates)
    fixed = len(spec.search.candidates) - varied
    return max(1, (spec.search.budget - fixed) // max(1, varied))


def _search_one(
    spec: Spec, pipeline: Pipeline, varied: Mapping[str, Any], share: int
) -> RandomizedSearchCV:
    parameters = dict(varied)
    return RandomizedSearchCV(
        pipeline,
        # No space at all is one trial with the defaults.
        parameters or {"model": [pipeline["model"]]},
        n_iter=share if parameters else 1,
        scoring=spec.scorer,
        cv=_folds(spec),
        random_state=spec.search.seed,
        error_score="raise",
    )


def _sequential(search_: RandomizedSearchCV) -> dict[str, int]:
    """The fits are what is spread: left open, Dask would send each tree of a forest on its own."""
    inside = "estimator__"
    return {
        name: 1
        for name in search_.get_params()
        if name.startswith(inside) and name.endswith("n_jobs")
    }


def _folds(spec: Spec) -> Any:
    if spec.data is not None and spec.data.split == "time":
        return TimeSeriesSplit(spec.search.folds)
    kind = StratifiedKFold if spec.task == "classification" else KFold
    return kind(spec.search.folds, shuffle=True, random_state=spec.search.seed)


def _trials(name: str, results: dict[str, Any]) -> list[Trial]:
    return [
        Trial(
            name,
            {key.rpartition("__")[2]: value for key, value in parameters.items() if key != "model"},
            float(results["mean_test_score"][number]),
            float(results["std_test_score"][number]),
            float(results["mean_fit_time"][number]),
        )
        for number, parameters in enumerate(results["params"])
    ]
