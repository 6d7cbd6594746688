"""The metrics of numbers: how each is computed, which way is better, what it is called and what it means."""

from __future__ import annotations

import numpy as np

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


def _mape(scored: Scored) -> float:
    """Of rows whose truth is 0 no share can be told."""
    rows = scored.truth != 0
    shares = np.abs(scored.truth - scored.values)[rows] / np.abs(scored.truth[rows])
    return float(shares.mean()) if len(shares) else float("nan")


def _smape(scored: Scored) -> float:
    """From 0 to 2; a row in which both are 0 has no error."""
    size = (np.abs(scored.truth) + np.abs(scored.values)) / 2
    error = np.abs(scored.truth - scored.values)
    return float(np.divide(error, size, out=np.zeros(len(size)), where=size > 0).mean())


def _quantile_loss(scored: Scored) -> float:
    """Each row counts by how far it lies from the quantile: on one side by the level, on the other by the rest."""
    assert scored.quantiles is not None  # it is computed of no others
    below = scored.truth[:, np.newaxis] - scored.quantiles
    levels = np.array(scored.levels)
    return float(np.maximum(levels * below, (levels - 1) * below).mean())


def _coverage(scored: Scored) -> float:
    """Between the lowest and the highest quantile."""
    assert scored.quantiles is not None  # as above
    low, high = scored.quantiles[:, 0], scored.quantiles[:, -1]
    return float(((scored.truth >= low) & (scored.truth <= high)).mean())


METRICS = (
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
    Metric(
        "mape",
        "mean absolute percentage error",
        _mape,
        False,
        "On average a prediction is off by {value:.1%} of the true value; rows whose truth is 0 are left out.",
        "neg_mean_absolute_percentage_error",
        percent=True,
        usual=False,
    ),
    Metric(
        "smape",
        "symmetric percentage error",
        _smape,
        False,
        "On average a prediction is off by {value:.1%} of the middle between it and the truth; 200% is the worst.",
        percent=True,
        usual=False,
    ),
    Metric(
        "quantile_loss",
        "quantile loss",
        _quantile_loss,
        False,
        "How far the truth lies from the ends of the interval, weighed by how rare that should be: {amount}.",
        of_quantiles=True,
    ),
    Metric(
        "coverage",
        "coverage: share of the truth inside the interval",
        _coverage,
        True,
        "Of 100 rows, the truth of {of_100:.0f} lay inside the interval that the model gave.",
        percent=True,
        of_quantiles=True,
    ),
)
