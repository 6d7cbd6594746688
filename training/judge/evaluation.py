"""How good a model is on held-out rows: metrics with intervals, by slice, beside its rivals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix, Task
from service.bundle.engines import Answer
from service.bundle.manifest import Metric as Interval
from training.metrics import tasks as metrics
from training.metrics.tasks import Scored
from training.spec.values import Spec

IMPORTANCE_ROWS = 2_000
IMPORTANCE_REPEATS = 5

Predict = Callable[[Matrix], Answer]
#: Turns a model's answer for the held-out rows with these numbers into what metrics are computed on.
Score = Callable[[NDArray[np.intp], Answer], Scored]


class Slice(NamedTuple):
    """Metrics of the held-out rows in which `column` is `value`."""

    column: str
    value: str
    rows: int
    metrics: dict[str, Interval]


class Importance(NamedTuple):
    """By how much the deciding metric gets worse when a column is shuffled."""

    column: str
    mean: float
    spread: float


class Rival(NamedTuple):
    """Another model on the same rows: `majority` or `mean`, `linear`, `champion`."""

    name: str
    metrics: dict[str, float]


class Evaluation(NamedTuple):
    rows: int
    metrics: dict[str, Interval]
    slices: tuple[Slice, ...]
    importance: tuple[Importance, ...]
    scored: Scored
    rivals: tuple[Rival, ...] = ()

    @property
    def champion(self) -> dict[str, float] | None:
        return next((one.metrics for one in self.rivals if one.name == "champion"), None)

    @property
    def simpler(self) -> tuple[Rival, ...]:
        return tuple(one for one in self.rivals if one.name != "champion")


def evaluate(
    spec: Spec, contract: Contract, matrix: Matrix, predict: Predict, score: Score
) -> Evaluation:
    everything = np.arange(len(matrix))
    scored = score(everything, predict(matrix))
    return Evaluation(
        len(matrix),
        metrics.measure_with_intervals(spec.task, scored, spec.search.seed),
        tuple(_slices(spec, contract, matrix, scored)),
        _importance(spec, contract, matrix, predict, score),
        scored,
    )


def measure(task: Task, matrix: Matrix, predict: Predict, score: Score) -> dict[str, float]:
    """Another model on the same rows."""
    return metrics.measure(task, score(np.arange(len(matrix)), predict(matrix)))


def _slices(spec: Spec, contract: Contract, matrix: Matrix, scored: Scored) -> Iterator[Slice]:
    for name in spec.slices.columns:
        for label, rows in _parts(contract, matrix, name):
            if len(rows) >= spec.slices.minimum_rows:
                found = metrics.measure_with_intervals(
                    spec.task, scored.take(rows), spec.search.seed
                )
                yield Slice(name, label, len(rows), found)


def _parts(contract: Contract, matrix: Matrix, name: str) -> Iterator[tuple[str, NDArray[np.intp]]]:
    position = contract.names.index(name)
    column, values = contract.columns[position], matrix[:, position]
    if column.type in ("category", "boolean"):
        labels = column.categories or ("false", "true")
        for code, label in enumerate(labels):
            yield label, np.flatnonzero(values == code)
        return
    if np.isnan(values).all():
        return
    edges = np.unique(np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1]))
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        last = high == edges[-1]
        inside = (values >= low) & ((values <= high) if last else (values < high))
        yield f"{low:g} to {high:g}", np.flatnonzero(inside)


def _importance(
    spec: Spec, contract: Contract, matrix: Matrix, predict: Predict, score: Score
) -> tuple[Importance, ...]:
    """Shuffled on the model that is served, through its own engine."""
    deciding = (
        metrics.METRICS[spec.task][0]
        if spec.task == "optimization"
        else metrics.metric(spec.task, spec.scoring)
    )
    sign = 1.0 if deciding.greater_is_better else -1.0
    random = np.random.default_rng(spec.search.seed)
    rows = np.sort(random.permutation(len(matrix))[:IMPORTANCE_ROWS])
    part = matrix[rows]
    whole = deciding.compute(score(rows, predict(part)))
    found = []
    for position, name in enumerate(contract.names):
        losses = []
        for _ in range(IMPORTANCE_REPEATS):
            shuffled = part.copy()
            shuffled[:, position] = random.permutation(shuffled[:, position])
            losses.append(sign * (whole - deciding.compute(score(rows, predict(shuffled)))))
        found.append(Importance(name, float(np.mean(losses)), float(np.std(losses))))
    return tuple(sorted(found, key=lambda one: -one.mean))


def plain_scores(target: NDArray[Any], classification: bool) -> Score:
    """The scoring of regression and classification: truth beside answer."""

    def score(rows: NDArray[np.intp], answer: Answer) -> Scored:
        values = answer.values if classification else answer.values[:, 0]
        return Scored(target[rows], values, answer.probabilities)

    return score
