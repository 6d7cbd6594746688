"""The metrics of each task: how it is computed, which way is better, what it is called and what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Task
from training.metrics.metric import Metric, Scored


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


def confusion(scored: Scored, classes: int) -> NDArray[np.intp]:
    """Rows by true class, then by predicted class."""
    flat = scored.truth.astype(np.intp) * classes + scored.values.astype(np.intp)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def macro_averages(table: NDArray[Any]) -> dict[str, float]:
    """Precision, recall and F1 in the mean over the classes that occur, of a table as `confusion` gives or expects it.

    A class that is never called has precision 0, one that is never true has recall 0.
    """
    hits, true, called = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    occurs = (true + called) > 0
    hits, true, called = hits[occurs], true[occurs], called[occurs]
    nothing = np.zeros(len(hits))
    return {
        "precision": float(np.divide(hits, called, out=nothing.copy(), where=called > 0).mean()),
        "recall": float(np.divide(hits, true, out=nothing.copy(), where=true > 0).mean()),
        "f1": float((2 * hits / (true + called)).mean()),
    }


def _macro(part: str) -> Callable[[Scored], float]:
    def compute(scored: Scored) -> float:
        table = confusion(scored, int(max(scored.truth.max(), scored.values.max())) + 1)
        return macro_averages(table)[part]

    return compute


def _auc(scored: Scored) -> float:
    """One against the rest, averaged over the classes that occur and are not alone."""
    # Slow to import, and only a classifier needs it.
    from scipy.stats import rankdata  # pylint: disable=import-outside-toplevel

    assert scored.probabilities is not None  # a classifier always gives them
    areas = []
    for code in range(scored.probabilities.shape[1]):
        positive = scored.truth == code
        count = int(positive.sum())
        if 0 < count < len(positive):
            ranks = rankdata(scored.probabilities[:, code])
            others = count * (len(positive) - count)
            areas.append((ranks[positive].sum() - count * (count + 1) / 2) / others)
    return float(np.mean(areas)) if areas else float("nan")


def _regret(scored: Scored) -> float:
    return float(1.0 - scored.values[:, 0].sum() / scored.truth[:, 0].sum())


def _convergence(scored: Scored) -> float:
    return float(scored.truth[:, 1].mean())


def _cost(scored: Scored) -> float:
    return float(scored.values[:, 1].mean())


METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": (
        Metric(
            "r2",
            "R²",
            _r2,
            True,
            "The model explains {value:.0%} of the differences between rows; 100% would be perfect, "
            "0% is no better than always giving the average.",
            "r2",
            nothing="The model is no better than always giving the average.",
        ),
        Metric(
            "mae",
            "mean absolute error",
            _mae,
            False,
            "On average a prediction is off by {amount}.",
            "neg_mean_absolute_error",
        ),
        Metric(
            "rmse",
            "root mean squared error",
            _rmse,
            False,
            "A typical miss is {amount} when large misses count more than small ones.",
            "neg_root_mean_squared_error",
        ),
    ),
    "classification": (
        Metric(
            "f1",
            "F1, macro",
            _macro("f1"),
            True,
            "Finding the cases of a class and not crying wolf, in one figure. Each class counts "
            "the same, however rare. 1 is perfect.",
            "f1_macro",
        ),
        Metric(
            "accuracy",
            "accuracy",
            _accuracy,
            True,
            "Of 100 cases, about {of_100:.0f} get the right class.",
            "accuracy",
        ),
        Metric(
            "auc",
            "area under the ROC curve",
            _auc,
            True,
            "Shown one case of a class and one of another, the model tells them apart "
            "{of_100:.0f} times in 100; guessing does 50.",
            "roc_auc_ovr",
        ),
        Metric(
            "precision",
            "precision, macro",
            _macro("precision"),
            True,
            "When the model names a class, it is right about {of_100:.0f} times in 100, "
            "averaged over the classes.",
            "precision_macro",
        ),
        Metric(
            "recall",
            "recall, macro",
            _macro("recall"),
            True,
            "Of 100 cases of a class, the model finds about {of_100:.0f}, averaged over the classes.",
            "recall_macro",
        ),
    ),
    "optimization": (
        Metric(
            "regret",
            "regret: share of the optimal profit that is lost",
            _regret,
            False,
            "Following the model at once loses {value:.1%} of the profit that a long search would reach.",
            percent=True,
        ),
        Metric(
            "convergence",
            "contexts that converged",
            _convergence,
            True,
            "In {value:.1%} of the contexts the search settled on one best recipe.",
            percent=True,
        ),
        Metric(
            "cost",
            "mean cost of a recipe",
            _cost,
            False,
            "A proposed recipe costs {amount} on average, in the unit of the spec's prices.",
        ),
    ),
}
