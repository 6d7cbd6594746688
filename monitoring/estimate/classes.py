"""Accuracy, AUC, F1, precision, recall and losses before their truth is in, by calibrated probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from monitoring.estimate.blocks import estimate_by_blocks
from monitoring.estimate.interval import Estimate, Predictions, around
from service.bundle.reference import Calibration, ClassMap
from training.metrics.classification import LEAST_PROBABILITY, macro_averages

Floats = NDArray[np.float64]
RESAMPLES = 200
#: Of metrics that are no share.
GREATEST = {"log_loss": math.inf, "brier": 2.0}


def class_scores(rows: Predictions) -> dict[str, NDArray[Any]]:
    """The probability of each row's predicted class."""
    assert rows.probabilities is not None  # an estimate begins with the reasons why there is none
    codes = rows.values.astype(np.intp)[:, np.newaxis]
    return {"accuracy": np.take_along_axis(rows.probabilities, codes, axis=1)[:, 0]}


def estimate_classes(
    rows: Predictions, scores: dict[str, NDArray[Any]], calibration: Calibration, seed: int
) -> dict[str, Estimate]:
    """Accuracy by blocks; the others from the expected table of true and predicted classes.

    Their deviation is that of resamples: in each, the points of the maps are drawn anew by how many held-out rows are
    behind them, then each row's truth by what the maps say. Rows are not drawn: the truth that comes will be theirs.
    """
    assert rows.probabilities is not None  # an estimate begins with the reasons why there is none
    accuracy = estimate_by_blocks(scores["accuracy"], calibration.blocks["accuracy"], True)
    expected = calibrated(rows.probabilities, calibration.class_maps)
    ranks = rankdata(rows.probabilities, axis=0)
    values = expected_metrics(expected, rows.values, rows.probabilities, ranks)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        maps = [_redrawn(points, random) for points in calibration.class_maps]
        codes = draw_classes(calibrated(rows.probabilities, maps), random)
        truth = np.eye(len(maps))[codes]
        drawn.append(expected_metrics(truth, rows.values, rows.probabilities, ranks))
    return {
        "accuracy": around(accuracy.mean, math.sqrt(accuracy.variance), 0.0, 1.0),
        **{
            name: around(
                value,
                float(np.nanstd([draw[name] for draw in drawn])),
                0.0,
                GREATEST.get(name, 1.0),
            )
            for name, value in values.items()
        },
    }


def calibrated(probabilities: NDArray[Any], maps: Sequence[ClassMap]) -> Floats:
    """By row and class, in the sum 1; a row in which no map leaves anything has its own probabilities."""
    mapped = np.column_stack(
        [
            np.interp(probabilities[:, code], points.probabilities, points.shares)
            for code, points in enumerate(maps)
        ]
    )
    total = mapped.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, mapped / np.where(total > 0, total, 1), probabilities))


def _redrawn(points: ClassMap, random: np.random.Generator) -> ClassMap:
    """As other held-out rows would have it: Poisson counts, which the sum of 1 over classes makes multinomial.

    Half a row is added, so that what never occurred among few rows may.
    """
    sizes = np.asarray(points.rows, np.float64)
    counts = random.gamma(np.asarray(points.shares) * sizes + 0.5)
    return ClassMap(points.probabilities, tuple((counts / sizes).tolist()), points.rows)


def draw_classes(expected: Floats, random: np.random.Generator) -> NDArray[np.intp]:
    """The number of one class a row, by these probabilities."""
    reached = np.cumsum(expected, axis=1)
    return np.asarray(
        (random.random((len(expected), 1)) * reached[:, -1:] < reached).argmax(axis=1)
    )


def expected_metrics(
    truth: Floats, values: NDArray[Any], probabilities: NDArray[Any], ranks: Floats
) -> dict[str, float]:
    """`truth` is the share of each class in each row."""
    table = truth.T @ np.eye(truth.shape[1])[values.astype(np.intp)]
    true = table.sum(axis=1)
    odds = probabilities.astype(np.float64)
    surprise = -np.log(np.clip(odds, LEAST_PROBABILITY, 1.0))
    distance = (odds**2 - 2 * odds * truth + truth).sum(axis=1).mean()
    return {
        "auc": _auc(truth, ranks),
        **macro_averages(table),
        "balanced_accuracy": float((np.diag(table)[true > 0] / true[true > 0]).mean()),
        "log_loss": float((truth * surprise).sum(axis=1).mean()),
        "brier": float(distance) / (2 if truth.shape[1] == 2 else 1),
    }


def _auc(truth: Floats, ranks: Floats) -> float:
    """As the metric of training, of shares in place of classes; no row is a pair with itself.

    Of two rows one is above the other, or each by half: so the pairs of two true ones count half of them, and are
    taken from all pairs whose upper row is true, which the ranks count.
    """
    positive = truth.sum(axis=0)
    squares = (truth**2).sum(axis=0)
    above = (truth * (ranks - 1)).sum(axis=0) - (positive**2 - squares) / 2
    pairs = positive * (len(truth) - positive) - (positive - squares)
    occurs = pairs > 1e-9
    return float((above[occurs] / pairs[occurs]).mean()) if occurs.any() else math.nan
