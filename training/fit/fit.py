"""Fits the best candidate that may be served: search, refit on all rows, compile."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import joblib
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer, UntrustedModel, predict_with
from training.common import state
from training.common.errors import TrainingError
from training.common.progress import say
from training.data.dataset import Dataset
from training.fit.compile import Compiled, compile_pipeline
from training.fit.search import SearchResult, search
from training.fit.trials import Attempt, Trial
from training.spec.values import Spec


class FittedCandidate(NamedTuple):
    """A candidate with the parameters that did best, fitted; `score` is what the search gave it."""

    candidate: str
    pipeline: Pipeline
    score: float


class Fitted(NamedTuple):
    """The chosen candidate with all that was tried; `compiled` is None where that was left out."""

    search: SearchResult
    chosen: FittedCandidate
    compiled: Compiled | None

    def predict(self, matrix: Matrix) -> Answer:
        """On the engine that will serve, where there is one."""
        if self.compiled is None:
            return predict_with(self.chosen.pipeline, matrix)
        return self.compiled.engine.predict(matrix)


def fit(
    spec: Spec,
    dataset: Dataset,
    *,
    searching: bool = True,
    compiling: bool = True,
    cluster: str = "",
    recorded: SearchResult | None = None,
) -> Fitted:
    """`recorded` is a search that was done before."""
    result = recorded or (
        search(spec, dataset.contract, *dataset.train, cluster)
        if searching
        else _without_search(spec)
    )
    contract, train = dataset.contract, dataset.train
    if not compiling:
        return Fitted(result, fit_on(spec, contract, result.ranking[0], *train), None)
    for best in result.ranking:
        chosen = fit_on(spec, contract, best, *train)
        name = chosen.candidate
        try:
            compiled = compile_pipeline(
                chosen.pipeline, dataset.held_out, state.build() / "compiled" / spec.name
            )
        except UntrustedModel as error:
            say(f"{spec.name}: {name} compiles to no file that the service takes: {error}")
            continue
        engine = compiled.engine_name
        say(
            f"{spec.name}: {name} ({spec.scoring} {chosen.score:.4f}) as {engine}: {compiled.equality}"
        )
        if compiled.fallback:
            say(f"{spec.name}: {name} is not served by ONNX Runtime: {compiled.fallback}")
        if engine == "onnx" or spec.search.engine == "any":
            return Fitted(result, chosen, compiled)
    raise TrainingError(
        f"{spec.name}: no candidate compiles to ONNX; set search.engine = 'any' to serve one with skops, "
        "or name other search.candidates"
    )


def fit_on(
    spec: Spec, contract: Contract, best: Trial, matrix: Matrix, target: NDArray[Any]
) -> FittedCandidate:
    """What did best in trials, fitted on these rows, with all cores of this machine."""
    pipeline = best.attempt.pipeline(spec, contract)
    with threadpool_limits(1, "blas"), joblib.parallel_config("loky", n_jobs=os.cpu_count()):
        return FittedCandidate(best.candidate, pipeline.fit(matrix, target), best.score)


def _without_search(spec: Spec) -> SearchResult:
    """The first candidate as it comes."""
    untried = Trial(Attempt(spec.search.candidates[0], {}), 0, float("nan"), 0.0, 0.0)
    return SearchResult((), (untried,), 0.0)
