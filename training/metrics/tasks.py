"""What is measured for each task, with bootstrap intervals. Pure arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Task
from service.bundle.manifest import Metric as Interval

RESAMPLES = 200
#: Resamples are no larger than this; their spread is scaled to the true number of rows.
RESAMPLE_ROWS = 20_000


class Scored(NamedTuple):
    """Held-out rows with what a model made of them.

    regression: `truth` and `values` are numbers. classification: both are class numbers, `probabilities` by class.
    optimization: `truth` has columns optimal profit and converged, `values` profit and cost of the served recipe.
    """

    truth: NDArray[Any]
    values: NDArray[Any]
    probabilities: NDArray[Any] | None = None

    def take(self, rows: NDArray[Any]) -> Scored:
        chosen = None if self.probabilities is None else self.probabilities[rows]
        return Scored(self.truth[rows], self.values[rows], chosen)


class Metric(NamedTuple):
    name: str
    compute: Callable[[Scored], float]
    greater_is_better: bool
    #: The scorer of scikit-learn that a search maximises for it.
    scorer: str = ""
    title: str = ""


def _r2(scored: Scored) -> float:
    total = float(np.sum((scored.truth - scored.truth.mean()) ** 2))
    return (
        1.0 - float(np.sum((scored.truth - scored.values) ** 2)) / total if total else float("nan")
    )


def _mae(scored: Scored) -> float:
    return float(np.mean(np.abs(scored.truth - scored.values)))


def _rmse(scored: Scored) -> float:
    return float(np.sqrt(np.mean((scored.truth - scored.values) ** 2)))


def _accuracy(scored: Scored) -> float:
    return float(np.mean(scored.truth == scored.values))


class _PerClass(NamedTuple):
    precision: NDArray[Any]
    recall: NDArray[Any]
    f1: NDArray[Any]


def _per_class(scored: Scored) -> _PerClass:
    """By class, for the classes that occur in truth or prediction; 0 where nothing can be right."""
    size = int(max(scored.truth.max(), scored.values.max())) + 1
    table = np.bincount(scored.truth * size + scored.values, minlength=size * size).reshape(
        size, size
    )
    hits, true, called = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    occurs = (true + called) > 0
    hits, true, called = hits[occurs], true[occurs], called[occurs]
    return _PerClass(
        hits / np.maximum(called, 1), hits / np.maximum(true, 1), 2 * hits / (true + called)
    )


def _auc(scored: Scored) -> float:
    """One against the rest, averaged over the classes that occur and are not alone."""
    # Slow to import, and only a classifier needs it.
    from scipy.stats import rankdata  # pylint: disable=import-outside-toplevel

    assert scored.probabilities is not None  # a classifier always gives them
    areas = []
    for number in range(scored.probabilities.shape[1]):
        positive = scored.truth == number
        count = int(positive.sum())
        if 0 < count < len(positive):
            ranks = rankdata(scored.probabilities[:, number])
            others = count * (len(positive) - count)
            areas.append((ranks[positive].sum() - count * (count + 1) / 2) / others)
    return float(np.mean(areas)) if areas else float("nan")


METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": (
        Metric("r2", _r2, True, "r2", "R²"),
        Metric("mae", _mae, False, "neg_mean_absolute_error", "mean absolute error"),
        Metric("rmse", _rmse, False, "neg_root_mean_squared_error", "root mean squared error"),
    ),
    "classification": (
        Metric(
            "f1", lambda scored: float(_per_class(scored).f1.mean()), True, "f1_macro", "F1, macro"
        ),
        Metric("accuracy", _accuracy, True, "accuracy", "accuracy"),
        Metric("auc", _auc, True, "roc_auc_ovr", "area under the ROC curve"),
        Metric(
            "precision",
            lambda scored: float(_per_class(scored).precision.mean()),
            True,
            "precision_macro",
            "precision, macro",
        ),
        Metric(
            "recall",
            lambda scored: float(_per_class(scored).recall.mean()),
            True,
            "recall_macro",
            "recall, macro",
        ),
    ),
    "optimization": (
        Metric(
            "regret",
            lambda scored: float(1.0 - scored.values[:, 0].sum() / scored.truth[:, 0].sum()),
            False,
            title="regret: share of the optimal profit that is lost",
        ),
        Metric(
            "convergence",
            lambda scored: float(scored.truth[:, 1].mean()),
            True,
            title="contexts that converged",
        ),
        Metric(
            "cost",
            lambda scored: float(scored.values[:, 1].mean()),
            False,
            title="mean cost of a recipe",
        ),
    ),
}


def metric(task: Task, name: str) -> Metric:
    return next(one for one in METRICS[task] if one.name == name)


def measure(task: Task, scored: Scored) -> dict[str, float]:
    return {one.name: one.compute(scored) for one in METRICS[task]}


def measure_with_intervals(task: Task, scored: Scored, seed: int = 0) -> dict[str, Interval]:
    """Every metric with its 95 % bootstrap interval."""
    rows = len(scored.truth)
    size = min(rows, RESAMPLE_ROWS)
    random = np.random.default_rng(seed)
    samples = [measure(task, scored.take(random.integers(0, rows, size))) for _ in range(RESAMPLES)]
    shrink = np.sqrt(size / rows)
    intervals = {}
    for name, value in measure(task, scored).items():
        spread = np.array([sample[name] for sample in samples])
        low, high = (
            np.nanquantile(spread, [0.025, 0.975]) if np.isfinite(spread).any() else (value, value)
        )
        ends = (float(value + (end - value) * shrink) for end in (low, high))
        intervals[name] = Interval(value, *ends)
    return intervals
