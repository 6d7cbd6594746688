"""Fits the best candidate that may be served: search, refit on all rows, compile."""

from __future__ import annotations

import time
from typing import NamedTuple

from service.bundle.contract import Matrix
from service.bundle.engines import TRUSTED_PACKAGES, Answer, UntrustedModel, predict_with
from training.common import own_code, state
from training.common.errors import TrainingError
from training.common.progress import say
from training.data.dataset import Dataset
from training.fit.candidates import trust
from training.fit.candidates.own import learning
from training.fit.candidates.pipeline import make_pipeline
from training.fit.candidates.resolve import IMPORTED
from training.fit.compile import Compiled, compile_pipeline, take_compiled
from training.fit.imported.importing import import_model
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
    if spec.imported is not None:
        return _imported(spec, dataset, compiling)
    for name in filter(own_code.is_own, spec.search.candidates):
        # What it returns is looked at before minutes of search.
        make_pipeline(spec, dataset.contract, name, dataset.train[0])
    result = (
        search(spec, dataset.contract, *dataset.train, cluster)
        if searching
        else _without_search(spec, dataset)
    )
    if not compiling:
        return Fitted(result, refit_on_all_rows(spec, result.ranking[0], *dataset.train), None)
    for best in result.ranking:
        chosen = refit_on_all_rows(spec, best, *dataset.train)
        try:
            compiled = compile_pipeline(
                chosen.pipeline,
                dataset.held_out,
                state.build() / "compiled" / spec.name,
                trusted=trust.packages_of(spec),
            )
        except UntrustedModel as error:
            say(f"{spec.name}: {chosen.candidate} compiles to no ONNX, and as skops {error}")
            continue
        name, engine = chosen.candidate, compiled.engine_name
        say(
            f"{spec.name}: {name} ({spec.scoring} {chosen.score:.4f}) as {engine}: {compiled.equality}"
        )
        if compiled.fallback:
            say(f"{spec.name}: {name} is not served by ONNX Runtime: {compiled.fallback}")
        if compiled.packages and spec.search.engine == "any":
            say(
                f"{spec.name}: {name} holds types of {', '.join(compiled.packages)}: a service loads it only where"
                f" {TRUSTED_PACKAGES} names them"
            )
        if engine == "onnx" or spec.search.engine == "any":
            return Fitted(result, chosen, compiled)
    raise TrainingError(
        f"{spec.name}: no candidate compiles to ONNX; set search.engine = 'any' to serve one with skops, "
        "or name other search.candidates"
    )


def _imported(spec: Spec, dataset: Dataset, compiling: bool) -> Fitted:
    """A model from elsewhere: nothing is fitted, and what serves has to answer as it does."""
    started = time.monotonic()
    pipeline, served = import_model(spec, dataset.contract, dataset.matrix)
    chosen = FittedCandidate(IMPORTED, pipeline, float("nan"))
    compiled = None
    if compiling:
        folder = state.build() / "compiled" / spec.name
        compiled = take_compiled(pipeline, served, dataset.held_out, folder)
        say(f"{spec.name}: {pipeline['model'].file} imported: {compiled.equality}")
        if not compiled.equality.proven:
            raise TrainingError(
                f"{spec.name}: {pipeline['model'].file} answers otherwise than it does alone once it takes the"
                f" contract's rows: {compiled.equality}"
            )
    return Fitted(SearchResult((), (chosen,), time.monotonic() - started), chosen, compiled)


def _without_search(spec: Spec, dataset: Dataset) -> SearchResult:
    """The first candidate as it comes."""
    started, name = time.monotonic(), spec.search.candidates[0]
    matrix, target = dataset.train
    with learning(name):
        pipeline = make_pipeline(spec, dataset.contract, name, matrix).fit(matrix, target)
    candidate = FittedCandidate(name, pipeline, float("nan"))
    return SearchResult((), (candidate,), time.monotonic() - started)
