"""Fit and search: the named candidates share a budget of trials, on this machine or on a Dask cluster."""

from __future__ import annotations

import contextlib
import copy
import os
import time
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.model_selection import KFold, RandomizedSearchCV, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from training.common.errors import TrainingError
from training.common.progress import say, steps
from training.fit.candidates import make_pipeline, space
from training.metrics.tasks import metric
from training.spec.values import Spec


class Trial(NamedTuple):
    """One set of parameters; `score` is what scikit-learn's scorer gave, greater is better."""

    candidate: str
    parameters: dict[str, Any]
    score: float
    spread: float
    fit_seconds: float


class Found(NamedTuple):
    """The best of one candidate, fitted on all training rows."""

    candidate: str
    pipeline: Pipeline
    score: float


class Searched(NamedTuple):
    """All trials, and the best of each candidate, best first."""

    trials: tuple[Trial, ...]
    ranking: tuple[Found, ...]
    seconds: float

    def of(self, candidate: str) -> Found | None:
        return next((found for found in self.ranking if found.candidate == candidate), None)


def search(
    spec: Spec, contract: Contract, matrix: Matrix, target: NDArray[Any], cluster: str = ""
) -> Searched:
    """Try the spec's candidates. The trials are drawn here from the seed, so where they run changes nothing."""
    started = time.monotonic()
    rows = sample_rows(spec, len(matrix))
    matrix, target = matrix[rows], target[rows]
    share = _share(spec, contract)
    found, trials = [], []
    # One BLAS thread: small networks only wait on more, and sums come out alike on every machine.
    with _workers(cluster), threadpool_limits(1, "blas"), warnings.catch_warnings():
        for category in (ConvergenceWarning, UndefinedMetricWarning):
            warnings.simplefilter("ignore", category)
        # The data checks have said so already.
        warnings.filterwarnings("ignore", "The least populated class")
        # Dask's advice to scatter; see `_connected` why not.
        warnings.filterwarnings("ignore", "Sending large graph")
        candidates = spec.search.candidates
        for name in steps(candidates, f"{spec.name}: search", len(candidates)):
            best = _search_one(spec, contract, name, share)
            if cluster:
                best.set_params(**_sequential(best))
            try:
                best.fit(matrix, target)
            except ValueError as error:
                reason = str(error).strip().splitlines()[0]
                say(f"{spec.name}: {name} cannot learn these rows: {reason}")
                continue
            found.append(Found(name, best.best_estimator_, float(best.best_score_)))
            trials += _trials(name, best.cv_results_)
    if not found:
        raise TrainingError(
            f"{spec.name}: no candidate can learn these rows (why stands above); fewer search.folds,"
            " other search.candidates, or more rows of each class"
        )
    ranking = sorted(found, key=lambda one: -one.score)
    return Searched(tuple(trials), tuple(ranking), time.monotonic() - started)


def sample_rows(spec: Spec, rows: int) -> NDArray[np.intp]:
    """The rows that trials look at, in their order: a split by time needs it."""
    chosen = np.random.default_rng(spec.search.seed).permutation(rows)[: spec.search.rows]
    return np.sort(chosen)


def on_all_rows(spec: Spec, found: Found, matrix: Matrix, target: NDArray[Any]) -> Found:
    """The same parameters fitted on every row, where the trials saw only a sample."""
    if len(matrix) <= spec.search.rows:
        return found
    with threadpool_limits(1, "blas"), joblib.parallel_config("loky", n_jobs=os.cpu_count()):
        return found._replace(pipeline=clone(found.pipeline).fit(matrix, target))


def _share(spec: Spec, contract: Contract) -> int:
    """Trials for each candidate that has something to vary; any other has one."""
    varied = sum(bool(space(name, contract)) for name in spec.search.candidates)
    fixed = len(spec.search.candidates) - varied
    return max(1, (spec.search.budget - fixed) // max(1, varied))


def _search_one(spec: Spec, contract: Contract, name: str, share: int) -> RandomizedSearchCV:
    parameters = space(name, contract)
    return RandomizedSearchCV(
        make_pipeline(name, contract, spec.search.seed),
        # No space at all is one trial with the defaults.
        parameters or {"model": [make_pipeline(name, contract, spec.search.seed)["model"]]},
        n_iter=share if parameters else 1,
        scoring=scorer(spec),
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


def scorer(spec: Spec) -> str:
    return "r2" if spec.task == "optimization" else metric(spec.task, spec.scoring).scorer


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


@contextlib.contextmanager
def _workers(cluster: str) -> Iterator[None]:
    """Where joblib runs the fits inside."""
    if not cluster:
        with joblib.parallel_config("loky", n_jobs=os.cpu_count()):
            yield
        return
    with _connected(cluster), joblib.parallel_config("dask", n_jobs=-1):
        yield


def _connected(cluster: str) -> Any:
    """The cluster as joblib's default. How long it waits is Dask's setting distributed.comm.timeouts.connect."""
    import distributed  # pylint: disable=import-outside-toplevel  # only a cluster needs it

    class Client(distributed.Client):
        """What joblib scatters would be lost with the worker that holds it, and the search with that.

        As the result of a task, another worker can make it again.
        """

        async def _repeatable(self, data: Any) -> Any:
            return self.submit(copy.copy, data, pure=False)

        def scatter(self, data: Any, *_: Any, **__: Any) -> Any:
            return self._repeatable(data)

    try:
        return Client(cluster)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"--cluster {cluster}: no Dask scheduler answers there: {error}"
        ) from error
