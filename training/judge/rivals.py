"""What a model has to beat to be worth having: the commonest class or the average, a linear model, the champion."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract
from service.bundle.engines import predict_with
from service.bundle.exported import Bundle
from training.data import dataset
from training.data.dataset import Dataset
from training.fit.candidates import make_pipeline
from training.fit.search import Found, Searched, on_all_rows, sample_rows
from training.judge import evaluation
from training.judge.evaluation import Rival
from training.spec.values import Spec


def rivals(
    spec: Spec, made: Dataset, searched: Searched, chosen: Found, champion: Bundle | None
) -> tuple[Rival, ...]:
    """Each measured on the same held-out rows, the simplest first."""
    return (
        _simplest(spec, made),
        *_linear(spec, made, searched, chosen),
        *_champion(spec, made, champion),
    )


def _simplest(spec: Spec, made: Dataset) -> Rival:
    """A model that looks at no column."""
    classes = spec.task == "classification"
    model = (DummyClassifier(strategy="prior") if classes else DummyRegressor()).fit(*made.train)
    return _measured("majority" if classes else "mean", spec, made, model)


def _linear(spec: Spec, made: Dataset, searched: Searched, chosen: Found) -> Iterator[Rival]:
    """Fitted whether it competes or not; where it was chosen, there is nothing to compare."""
    if chosen.candidate == "linear":
        return
    competed = searched.of("linear")
    if competed is not None:
        yield _measured("linear", spec, made, on_all_rows(spec, competed, *made.train).pipeline)
        return
    matrix, target = made.train
    rows = sample_rows(spec, len(matrix))
    pipeline = make_pipeline("linear", made.contract, spec.search.seed)
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield _measured("linear", spec, made, pipeline.fit(matrix[rows], target[rows]))


def _measured(name: str, spec: Spec, made: Dataset, model: object) -> Rival:
    assert made.score is not None  # only `reproduce` makes a dataset that cannot be scored
    values = evaluation.measure(
        spec.task, made.held_out, lambda matrix: predict_with(model, matrix), made.score
    )
    return Rival(name, values)


def _champion(spec: Spec, made: Dataset, bundle: Bundle | None) -> Iterator[Rival]:
    """What serves now, by the engine that serves it; none where it takes other columns or gives other classes."""
    if bundle is None or not _takes(bundle.contract, made):
        return
    assert made.score is not None  # as above
    matrix = dataset.encode(bundle.contract, made.held_out_frame())
    yield Rival("champion", evaluation.measure(spec.task, matrix, bundle.predict, made.score))


def _takes(contract: Contract, made: Dataset) -> bool:
    """Whether a model of another contract can answer for these rows: same columns, same classes, all values allowed."""
    if contract.classes != made.contract.classes or contract.outputs != made.contract.outputs:
        return False
    if not set(contract.names) <= set(made.frame.columns):
        return False
    try:
        dataset.encode(contract, made.held_out_frame())
    except ValueError:
        return False
    return True
