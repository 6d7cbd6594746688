"""Fits the best candidate that may be served: search, refit on all rows, compile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import joblib
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import TRUSTED_PACKAGES, Answer, UntrustedModel, predict_with
from training.common import own_code, state
from training.common.errors import TrainingError, first_line
from training.common.progress import say
from training.data.dataset import Dataset
from training.fit.candidates import trust
from training.fit.candidates.own import learning
from training.fit.candidates.pipeline import make_pipeline, parameters_of_many_rows, space
from training.fit.candidates.resolve import IMPORTED
from training.fit.compile.compile import Compiled, compile_pipeline, take_compiled
from training.fit.finish.finish import Finished, finish
from training.fit.imported.importing import import_model
from training.fit.imported.model import refusing
from training.fit.search.search import SearchResult, search
from training.fit.search.trials import Attempt, Trial
from training.spec.values import Spec

#: From so many training rows on, a candidate may be fitted with fewer steps.
MANY_ROWS = 100_000


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
    finished: Finished

    def predict(self, matrix: Matrix) -> Answer:
        """On the engine that will serve, where there is one."""
        if self.compiled is None:
            return predict_with(self.finished.estimator, matrix)
        return self.compiled.engine.predict(matrix)

    def answer_held_out(self, matrix: Matrix) -> Answer:
        """To the held-out rows, on which what was compiled has been proven: it is not asked again."""
        return self.predict(matrix) if self.compiled is None else self.compiled.answer


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
    if spec.imported is not None:
        return _imported(spec, dataset, compiling)
    for name in filter(own_code.is_own, spec.search.candidates):
        # What it returns is looked at before minutes of search.
        make_pipeline(spec, dataset.contract, name, dataset.train[0])
        space(spec, dataset.contract, name)
    result = recorded or (
        search(spec, dataset.contract, *dataset.train, cluster)
        if searching
        else _without_search(spec)
    )
    contract, train = dataset.contract, dataset.train
    if not compiling:
        chosen = fit_on(spec, contract, result.ranking[0], *train)
        return Fitted(result, chosen, None, _finish(spec, dataset, chosen))
    for best in result.ranking:
        chosen = fit_on(spec, contract, best, *train)
        finished = _finish(spec, dataset, chosen)
        try:
            compiled = compile_pipeline(
                finished.estimator,
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
            return Fitted(result, chosen, compiled, finished)
    if spec.search.engine == "any":
        raise TrainingError(
            f"{spec.name}: no candidate compiles to ONNX, and none can be served with skops (why stands above);"
            " name other search.candidates"
        )
    raise TrainingError(
        f"{spec.name}: no candidate compiles to ONNX; set search.engine = 'any' to serve one with skops, "
        "or name other search.candidates"
    )


def _finish(spec: Spec, dataset: Dataset, chosen: FittedCandidate) -> Finished:
    with _of_all_rows(spec, chosen.candidate):
        return finish(spec, dataset.contract, chosen.pipeline, *dataset.train)


@contextlib.contextmanager
def _of_all_rows(spec: Spec, candidate: str) -> Iterator[None]:
    """What a candidate cannot learn may lie in rows that no trial saw, such as the one target that has no logarithm."""
    try:
        with learning(candidate):
            yield
    except ValueError as error:
        raise TrainingError(
            f"{spec.name}: {candidate} cannot learn these rows: {first_line(error)}"
        ) from error


def _imported(spec: Spec, dataset: Dataset, compiling: bool) -> Fitted:
    """A model from elsewhere: nothing is fitted, and what serves has to answer as it does."""
    started = time.monotonic()
    pipeline, served = import_model(spec, dataset.contract, dataset.matrix)
    chosen = FittedCandidate(IMPORTED, pipeline, float("nan"))
    compiled = None
    if compiling:
        folder = state.build() / "compiled" / spec.name
        with refusing(pipeline["model"].file, "cannot be brought into the form that is served"):
            compiled = take_compiled(pipeline, served, dataset.held_out, folder)
        say(f"{spec.name}: {pipeline['model'].file} imported: {compiled.equality}")
        if not compiled.equality.proven:
            raise TrainingError(
                f"{spec.name}: {pipeline['model'].file} answers otherwise than it does alone once it takes the"
                f" contract's rows: {compiled.equality}"
            )
    search_ = SearchResult((), (_untried(IMPORTED),), time.monotonic() - started)
    return Fitted(search_, chosen, compiled, Finished(pipeline))


def fit_on(
    spec: Spec, contract: Contract, best: Trial, matrix: Matrix, target: NDArray[Any]
) -> FittedCandidate:
    """What did best in trials, fitted on these rows, with all cores of this machine."""
    pipeline = best.attempt.pipeline(spec, contract, matrix)
    if len(matrix) >= MANY_ROWS:
        pipeline.set_params(**parameters_of_many_rows(spec, contract, best.candidate))
    # Threads: a forest grows its trees without the interpreter's lock, and from processes each tree would be copied.
    cores = joblib.cpu_count()
    with threadpool_limits(1, "blas"), joblib.parallel_config("threading", n_jobs=cores):
        with _of_all_rows(spec, best.candidate):
            pipeline.fit(matrix, target)
    return FittedCandidate(best.candidate, pipeline, best.score)


def _without_search(spec: Spec) -> SearchResult:
    """The first candidate as it comes."""
    return SearchResult((), (_untried(spec.search.candidates[0]),), 0.0)


def _untried(candidate: str) -> Trial:
    return Trial(Attempt(candidate, {}), 0, float("nan"), 0.0, 0.0)
