"""The decision threshold: from which probability of the second class a row is called so, to reach a stated goal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.common.errors import TrainingError
from training.spec.target import ThresholdGoal

#: Probabilities that are nearer to each other are the same: an engine may have either.
LEAST_GAP = 1e-5

Floats = NDArray[np.float64]


class _Cuts(NamedTuple):
    """By threshold, falling: it, and how many rows at or above it are of the second class and of the first."""

    values: Floats
    hits: Floats
    mistakes: Floats
    positive: int
    negative: int


def choose_threshold(goal: ThresholdGoal, probabilities: NDArray[Any], true: NDArray[Any]) -> float:
    """By the second class's probabilities of rows that the model did not learn from."""
    if goal.at is not None:
        return goal.at
    cuts = _cuts(probabilities.astype(np.float64), true.astype(bool))
    if goal.recall is not None:
        # The last threshold, when all are named, has a recall of 1.
        return float(cuts.values[np.argmax(cuts.hits >= goal.recall * cuts.positive)])
    if goal.precision is not None:
        return _of_precision(cuts, goal.precision)
    return float(cuts.values[np.argmax(_score(goal.maximise or "f1", cuts))])


def _cuts(probabilities: Floats, true: NDArray[np.bool_]) -> _Cuts:
    """Halfway between neighbouring probabilities, so that rounding moves no row across."""
    order = np.argsort(-probabilities, kind="stable")
    given, true = probabilities[order], true[order]
    ends = np.append(np.flatnonzero(-np.diff(given) > LEAST_GAP), len(given) - 1)
    below = np.append(given[ends[:-1] + 1], 0.0)
    hits = np.cumsum(true)[ends].astype(np.float64)
    middles = np.round((given[ends] + below) / 2, 6)
    return _Cuts(middles, hits, ends + 1 - hits, int(true.sum()), int((~true).sum()))


def _of_precision(cuts: _Cuts, least: float) -> float:
    precision = cuts.hits / (cuts.hits + cuts.mistakes)
    enough = np.flatnonzero(precision >= least)
    if enough.size == 0:
        raise TrainingError(
            f"target.threshold.precision: given {least:g}; on training rows that the model did not learn from, no"
            f" threshold reaches more than {precision.max():.3g}"
        )
    return float(cuts.values[enough[-1]])


def _score(metric: str, cuts: _Cuts) -> Floats:
    missed, right = cuts.positive - cuts.hits, cuts.negative - cuts.mistakes
    if metric == "accuracy":
        return np.asarray((cuts.hits + right) / (cuts.positive + cuts.negative))
    if metric == "balanced_accuracy":
        return np.asarray(cuts.hits / max(1, cuts.positive) + right / max(1, cuts.negative))
    wrong = cuts.mistakes + missed
    of_negative = np.where(2 * right + wrong > 0, 2 * right / np.maximum(2 * right + wrong, 1), 0)
    return np.asarray(2 * cuts.hits / (2 * cuts.hits + wrong) + of_negative)
