"""Fits the best candidate that may be served: search, refit on all rows, compile."""

from __future__ import annotations

import time
from typing import NamedTuple

from service.bundle.contract import Matrix
from service.bundle.engines import Answer, predict_with
from training.common import state
from training.common.errors import TrainingError
from training.common.progress import say
from training.data.dataset import Dataset
from training.fit.candidates.pipeline import make_pipeline
from training.fit.compile import Compiled, compile_pipeline
from training.fit.search import FittedCandidate, SearchResult, refit_on_all_rows, search
from training.spec.values import Spec


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
) -> Fitted:
    result = (
        search(spec, dataset.contract, *dataset.train, cluster)
        if searching
        else _without_search(spec, dataset)
    )
    if not compiling:
        return Fitted(result, refit_on_all_rows(spec, result.ranking[0], *dataset.train), None)
    for best in result.ranking:
        chosen = refit_on_all_rows(spec, best, *dataset.train)
        compiled = compile_pipeline(
            chosen.pipeline, dataset.held_out, state.build() / "compiled" / spec.name
        )
        name, engine = chosen.candidate, compiled.engine_name
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


def _without_search(spec: Spec, dataset: Dataset) -> SearchResult:
    """The first candidate as it comes."""
    started, name = time.monotonic(), spec.search.candidates[0]
    matrix, target = dataset.train
    pipeline = make_pipeline(spec, dataset.contract, name, matrix).fit(matrix, target)
    candidate = FittedCandidate(name, pipeline, float("nan"))
    return SearchResult((), (candidate,), time.monotonic() - started)
