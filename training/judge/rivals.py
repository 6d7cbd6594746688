"""The rivals that a model has to beat: a baseline that looks at no column, a linear model, the champion."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer, predict_with
from service.bundle.exported import Bundle
from training.common.errors import first_line
from training.common.progress import say
from training.data.dataset import Dataset, encode
from training.fit.fit import Fitted
from training.fit.search.trials import Attempt
from training.metrics.metric import measure, sample_rows
from training.metrics.tasks import METRICS
from training.spec.values import Spec

#: By the name under which MLflow has a rival's metrics: what the card calls it in a table, and in a sentence.
TITLES = {
    "majority": ("Commonest class", "Always giving the commonest class"),
    "mean": ("Average", "Always giving the average"),
    "median": ("Median", "Always giving the median"),
    "linear": ("Linear model", "A linear model"),
    "champion": ("Champion", "The champion"),
}
BASELINES = ("majority", "mean", "median")
#: Of absolute errors the median has the least, not the average.
MEDIAN_METRICS = ("mae", "mape", "smape")


class Rival(NamedTuple):
    """Another model on the same rows; its name is one of `TITLES`."""

    name: str
    metrics: dict[str, float]

    @property
    def title(self) -> str:
        return TITLES[self.name][0]

    @property
    def subject(self) -> str:
        """The rival as a sentence begins with it."""
        return TITLES[self.name][1]

    @property
    def is_baseline(self) -> bool:
        """Whether it looks at no column."""
        return self.name in BASELINES


def measure_rivals(
    spec: Spec, dataset: Dataset, fitted: Fitted, champion: Bundle | None
) -> tuple[Rival, ...]:
    """Each measured on the same held-out rows, the simplest first."""
    return (
        _simplest(spec, dataset),
        *_linear(spec, dataset, fitted),
        *_champion(spec, dataset, champion),
    )


def _simplest(spec: Spec, dataset: Dataset) -> Rival:
    """A model that looks at no column."""
    if spec.task == "classification":
        name, model = "majority", DummyClassifier(strategy="prior")
    else:
        name = "median" if spec.deciding.name in MEDIAN_METRICS else "mean"
        model = DummyRegressor(strategy=name)
    return _measured(name, spec, dataset, model.fit(*dataset.train))


def _linear(spec: Spec, dataset: Dataset, fitted: Fitted) -> Iterator[Rival]:
    """Fitted whether it competes or not; none where it was chosen, or where it cannot learn these rows."""
    if fitted.chosen.candidate == "linear":
        return
    competed = fitted.search.best_of("linear")
    attempt = Attempt("linear", {}) if competed is None else competed.attempt
    matrix, target = dataset.train
    # As a measure of what is simple, more rows change nothing.
    rows = sample_rows(len(matrix), spec.search.rows, spec.search.seed)
    pipeline = attempt.pipeline(spec, dataset.contract, matrix)
    try:
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(matrix[rows], target[rows])
    except ValueError as error:
        say(f"{spec.name}: a linear model cannot learn these rows: {first_line(error)}")
        return
    yield _measured("linear", spec, dataset, pipeline)


def _measured(name: str, spec: Spec, dataset: Dataset, model: object) -> Rival:
    return _rival(name, spec, dataset, lambda matrix: predict_with(model, matrix), dataset.held_out)


def _champion(spec: Spec, dataset: Dataset, bundle: Bundle | None) -> Iterator[Rival]:
    """The served version, by the engine that serves it; none where it takes other columns or gives other classes."""
    matrix = _encoded(bundle.contract, dataset) if bundle else None
    if bundle is None or matrix is None:
        return

    def predict(rows: Matrix) -> Answer:
        answer = bundle.predict(rows)
        if bundle.contract.levels == dataset.contract.levels:
            return answer
        # Other quantiles than those that are judged, or none: the number alone can be compared.
        return answer._replace(values=answer.values[:, :1])

    yield _rival("champion", spec, dataset, predict, matrix)


def _rival(
    name: str, spec: Spec, dataset: Dataset, predict: Callable[[Matrix], Answer], matrix: Matrix
) -> Rival:
    scored = dataset.score(np.arange(len(matrix)), predict(matrix))
    return Rival(name, measure(METRICS[spec.task], scored))


def _encoded(contract: Contract, dataset: Dataset) -> Matrix | None:
    """The held-out rows for a model of another contract: with the same columns and classes, and all values allowed."""
    own = dataset.contract
    if contract.classes != own.classes or contract.targets != own.targets:
        return None
    if not set(contract.names) <= set(dataset.frame.columns):
        return None
    try:
        return encode(contract, dataset.held_out_frame())
    except ValueError:
        return None
