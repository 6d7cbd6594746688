"""How good a model is on held-out rows: metrics with intervals, by slice, importance of columns, beside its rivals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from service.bundle.manifest import Metric as Interval
from training.data.dataset import Dataset
from training.fit.fit import Fitted
from training.judge.fairness import group_values, measure_fairness
from training.judge.rivals import Rival, measure_rivals
from training.metrics.by_group import GroupFigures
from training.metrics.metric import Rows, Scored, measure_with_intervals
from training.metrics.tasks import METRICS, usual_metrics
from training.spec.values import Spec

IMPORTANCE_ROWS = 2_000
#: Rows say more than repeats: these only average which row got whose value.
IMPORTANCE_REPEATS = 3


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


class Evaluation(NamedTuple):
    rows: int
    metrics: dict[str, Interval]
    slices: tuple[Slice, ...]
    importance: tuple[Importance, ...]
    scored: Scored
    rivals: tuple[Rival, ...] = ()
    by_group: GroupFigures | None = None

    def rival(self, name: str) -> Rival | None:
        """By its name, or the `baseline`, whichever that is."""
        return next(
            (
                rival
                for rival in self.rivals
                if rival.name == name or (name == "baseline" and rival.is_baseline)
            ),
            None,
        )

    @property
    def champion(self) -> dict[str, float] | None:
        champion = self.rival("champion")
        return champion.metrics if champion else None

    @property
    def simpler(self) -> tuple[Rival, ...]:
        return tuple(rival for rival in self.rivals if rival.name != "champion")


def evaluate(
    spec: Spec, dataset: Dataset, fitted: Fitted, champion: Bundle | None = None
) -> Evaluation:
    """On the engine that will serve."""
    matrix = dataset.held_out
    scored = dataset.score(np.arange(len(matrix)), fitted.answer_held_out(matrix))
    return Evaluation(
        len(matrix),
        measure_with_intervals(METRICS[spec.task], scored, spec.search.seed, in_order=spec.ordered),
        tuple(_slices(spec, dataset.contract, matrix, scored)),
        _importance(spec, dataset, fitted.predict),
        scored,
        measure_rivals(spec, dataset, fitted, champion),
        measure_fairness(spec, dataset, scored),
    )


def _slices(spec: Spec, contract: Contract, matrix: Matrix, scored: Scored) -> Iterator[Slice]:
    metrics = usual_metrics(spec.task, {*spec.gates.slices, spec.deciding.name})
    for name in spec.slices.columns:
        for label, rows in _parts(contract, matrix, name):
            if len(rows) >= spec.slices.minimum_rows:
                measured = measure_with_intervals(
                    metrics, scored.take(rows), spec.search.seed, in_order=spec.ordered
                )
                yield Slice(name, label, len(rows), measured)


def _parts(contract: Contract, matrix: Matrix, name: str) -> Iterator[tuple[str, Rows]]:
    part = contract.parts_of(name)[0]
    values = part.values(matrix)
    if part.column.levels or part.column.sensitive:
        grouped = group_values(part.column, values)
        for code, label in enumerate(grouped.names):
            yield label, np.flatnonzero(grouped.codes == code)
        return
    if np.isnan(values).all():
        return
    edges = np.unique(np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1]))
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        last = high == edges[-1]
        inside = (values >= low) & ((values <= high) if last else (values < high))
        yield f"{low:g} to {high:g}", np.flatnonzero(inside)


def _importance(
    spec: Spec, dataset: Dataset, predict: Callable[[Matrix], Answer]
) -> tuple[Importance, ...]:
    """Shuffled on the model that is served, through its own engine."""
    deciding, matrix = spec.deciding, dataset.held_out
    sign = 1.0 if deciding.greater_is_better else -1.0
    random = np.random.default_rng(spec.search.seed)
    rows = np.sort(random.permutation(len(matrix))[:IMPORTANCE_ROWS])
    part = matrix[rows]
    answer = predict(part)
    whole = deciding.compute(dataset.score(rows, answer))

    def loss_without(positions: tuple[int, ...], order: Rows) -> float:
        shuffled = part.copy()
        # All features of a column move together: one by one, the others would tell the value.
        shuffled[:, positions] = part[order][:, positions]
        # Of a category or of a gap many rows get what they had, and their answer is known.
        moved = np.flatnonzero(_differs(part[:, positions], shuffled[:, positions]))
        if moved.size == 0:
            return 0.0
        shuffled_answer = _replaced(answer, moved, predict(shuffled[moved]))
        return sign * (whole - deciding.compute(dataset.score(rows, shuffled_answer)))

    names = dataset.contract.names
    tasks = [
        (dataset.contract.positions(name), random.permutation(len(part)))
        for name in names
        for _ in range(IMPORTANCE_REPEATS)
    ]
    # Threads: ONNX Runtime predicts without the interpreter's lock.
    losses = joblib.Parallel(n_jobs=joblib.cpu_count(), backend="threading")(
        joblib.delayed(loss_without)(*task) for task in tasks
    )
    by_name = zip(names, np.reshape(losses, (len(names), IMPORTANCE_REPEATS)), strict=True)
    columns = [Importance(name, float(of.mean()), float(of.std())) for name, of in by_name]
    return tuple(sorted(columns, key=lambda column: -column.mean))


def _differs(before: Matrix, after: Matrix) -> NDArray[np.bool_]:
    """By row; what is missing in both is the same."""
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return np.asarray(~same.all(axis=1))


def _replaced(answer: Answer, rows: Rows, other: Answer) -> Answer:
    """With the other's answers for these rows."""
    values, probabilities = answer.values.copy(), answer.probabilities
    values[rows] = other.values
    if probabilities is not None and other.probabilities is not None:
        probabilities = probabilities.copy()
        probabilities[rows] = other.probabilities
    return Answer(values, probabilities)
