"""The metrics of classes: how each is computed, which way is better, what it is called and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics.metric import Metric, Scored

#: A probability of 0 for what came true would be an infinite loss.
LEAST_PROBABILITY = float(np.finfo(np.float32).eps)
#: Of the expected calibration error.
ERROR_BINS = 15


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
    for score, positive in _one_against_the_rest(scored.probabilities, scored.truth):
        count = int(positive.sum())
        others = count * (len(positive) - count)
        areas.append((rankdata(score)[positive].sum() - count * (count + 1) / 2) / others)
    return float(np.mean(areas)) if areas else float("nan")


def _one_against_the_rest(
    probabilities: NDArray[Any], truth: NDArray[Any]
) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """By class that occurs and is not alone: its probabilities, and which rows are of it."""
    for code in range(probabilities.shape[1]):
        positive = truth == code
        if positive.any() and not positive.all():
            yield probabilities[:, code], positive


def _balanced_accuracy(scored: Scored) -> float:
    """The share that is found of each class that is true of any row, in the mean."""
    hits = scored.truth == scored.values
    true = np.bincount(scored.truth.astype(np.intp))
    right = np.bincount(scored.truth.astype(np.intp), weights=hits)
    return float((right[true > 0] / true[true > 0]).mean())


def _pr_auc(scored: Scored) -> float:
    """Average precision: of two classes that of the second, the positive one; of more in the mean."""
    assert scored.probabilities is not None  # a classifier always gives them
    parts = scored.probabilities, scored.truth
    if scored.probabilities.shape[1] == 2:
        parts = scored.probabilities[:, 1:], scored.truth - 1
    areas = [_average_precision(*part) for part in _one_against_the_rest(*parts)]
    return float(np.mean(areas)) if areas else float("nan")


def _average_precision(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Precision at each score, weighed by what share of the positive rows it adds."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(positive[order])[ends]
    return float((np.diff(hits, prepend=0) * (hits / (ends + 1))).sum() / hits[-1])


def _of_the_truth(scored: Scored) -> NDArray[Any]:
    """The probability that the model gave to what came true."""
    assert scored.probabilities is not None  # a classifier always gives them
    codes = scored.truth.astype(np.intp)
    is_listed = codes < scored.probabilities.shape[1]
    rows = np.arange(len(codes))
    return np.where(is_listed, scored.probabilities[rows, np.where(is_listed, codes, 0)], 0.0)


def _log_loss(scored: Scored) -> float:
    odds = np.clip(_of_the_truth(scored).astype(np.float64), LEAST_PROBABILITY, 1.0)
    return float(-np.log(odds).mean())


def _brier(scored: Scored) -> float:
    """Squared distance of the probabilities from 1 and 0; of two classes that of the second alone."""
    assert scored.probabilities is not None  # a classifier always gives them
    odds = scored.probabilities.astype(np.float64)
    # The sum over classes of (p - y)^2 is the sum of p^2, less twice that of the truth, and 1.
    distance = (odds**2).sum(axis=1) - 2 * _of_the_truth(scored) + 1
    return float(distance.mean() / (2 if odds.shape[1] == 2 else 1))


def _calibration_error(scored: Scored) -> float:
    """By bins of the predicted class's probability: how far it lies from how often it was right, in the mean."""
    assert scored.probabilities is not None  # a classifier always gives them
    codes = scored.values.astype(np.intp)
    odds = scored.probabilities[np.arange(len(codes)), codes].astype(np.float64)
    bins = np.minimum((odds * ERROR_BINS).astype(np.intp), ERROR_BINS - 1)
    gaps = np.bincount(bins, weights=odds - (scored.truth == scored.values))
    return float(np.abs(gaps).sum() / len(codes))


METRICS = (
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
    Metric(
        "balanced_accuracy",
        "balanced accuracy",
        _balanced_accuracy,
        True,
        "Of 100 cases of a class, the model finds about {of_100:.0f}, averaged over the classes that occur.",
        "balanced_accuracy",
        usual=False,
    ),
    Metric(
        "pr_auc",
        "area under the precision-recall curve",
        _pr_auc,
        True,
        "How right the model is when it names the positive class, averaged over how many of its cases it finds. "
        "Guessing reaches the share of that class.",
        "average_precision",
        usual=False,
    ),
    Metric(
        "log_loss",
        "log loss",
        _log_loss,
        False,
        "How surprised the model is by the truth: 0 is never, and one sure mistake costs much.",
        "neg_log_loss",
        usual=False,
    ),
    Metric(
        "brier",
        "Brier score",
        _brier,
        False,
        "The squared distance of the probabilities from what came true; 0 is perfect.",
        "neg_brier_score",
        usual=False,
    ),
    Metric(
        "ece",
        "calibration error",
        _calibration_error,
        False,
        "The probability that the model gives to its answer is off by {of_100:.1f} percentage points in the mean.",
        usual=False,
    ),
)
