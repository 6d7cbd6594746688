"""Calibration: probabilities mapped to how often they came true, by training rows that the model did not learn from."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from service.bundle.contract import Matrix

Floats = NDArray[np.float64]

#: A point of the map stands for no fewer rows, and for no less than a hundredth of them.
POINT_ROWS = 50
MOST_POINTS = 100
#: A steeper map makes more than 1e-5 of the difference between float32 and float64.
MOST_SLOPE = 40.0
#: How far apart, in log odds, the points of a sigmoid are.
SIGMOID_POINTS = np.linspace(-12, 12, 193)


class Curve(NamedTuple):
    """A straight line between points, level beyond them."""

    given: tuple[float, ...]
    true: tuple[float, ...]

    def __call__(self, probabilities: NDArray[Any]) -> Floats:
        return np.asarray(np.interp(probabilities, self.given, self.true))


AS_IT_IS = Curve((0.0, 1.0), (0.0, 1.0))


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier with a curve a class; of two classes, with that of the second alone."""

    def __init__(self, estimator: Any, curves: tuple[Curve, ...]):
        self.estimator = estimator
        self.curves = curves

    @property
    def classes_(self) -> NDArray[Any]:
        return np.asarray(self.estimator.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: Any) -> Self:
        """It is made of what is fitted; scikit-learn takes nothing for an estimator that cannot fit."""
        return self

    def predict_proba(self, matrix: Matrix) -> Floats:
        return apply_curves(self.estimator.predict_proba(matrix), self.curves)

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        classes: NDArray[Any] = self.classes_[self.predict_proba(matrix).argmax(axis=1)]
        return classes


def apply_curves(probabilities: NDArray[Any], curves: tuple[Curve, ...]) -> Floats:
    """By row in the sum 1; where no curve leaves anything, each class has the same."""
    if len(curves) == 1:
        second = curves[0](probabilities[:, 1])
        return np.column_stack([1 - second, second])
    mapped = np.column_stack([curve(probabilities[:, code]) for code, curve in enumerate(curves)])
    nothing = (mapped.sum(axis=1, keepdims=True) <= 0).astype(np.float64)
    mapped += nothing / len(curves)
    return np.asarray(mapped / mapped.sum(axis=1, keepdims=True))


def fit_curves(
    method: Literal["isotonic", "sigmoid"], probabilities: NDArray[Any], truth: NDArray[Any]
) -> tuple[Curve, ...]:
    fit_curve = _isotonic if method == "isotonic" else _sigmoid
    classes = probabilities.shape[1]
    return tuple(
        fit_curve(probabilities[:, code], truth == code)
        for code in ([1] if classes == 2 else range(classes))
    )


def _isotonic(given: Floats, true: NDArray[np.bool_]) -> Curve:
    """A point a block of isotonic regression, at its means. A single block would make all rows alike: none is taken."""
    blocks = isotonic_blocks(given, true, max(POINT_ROWS, len(given) // MOST_POINTS))
    points = _join_steep(
        [_Point(len(block), float(block.mean()), float(came.mean())) for block, came in blocks]
    )
    if len(points) < 2:
        return AS_IT_IS
    return Curve(tuple(point.given for point in points), tuple(point.true for point in points))


class _Point(NamedTuple):
    rows: int
    given: float
    true: float


def isotonic_blocks(
    score: NDArray[Any], outcome: NDArray[Any], least: int
) -> list[tuple[Floats, Floats]]:
    """Isotonic regression of the outcome on the score: the scores and outcomes of each block, in order.

    Neighbours are joined until each block has `least` rows.
    """
    order = np.argsort(score, kind="stable")
    score, outcome = score[order].astype(np.float64), outcome[order].astype(np.float64)
    level = IsotonicRegression().fit_transform(score, outcome)
    edges = [0]
    for edge in (np.flatnonzero(np.diff(level)) + 1).tolist():
        if edge - edges[-1] >= least and len(score) - edge >= least:
            edges.append(edge)
    return [(score[start:end], outcome[start:end]) for start, end in pairwise([*edges, len(score)])]


def _join_steep(points: list[_Point]) -> list[_Point]:
    """Neighbours are joined until no line between two is too steep; their means keep the order."""
    joined: list[_Point] = []
    for point in points:
        while joined and point.true - joined[-1].true > MOST_SLOPE * (
            point.given - joined[-1].given
        ):
            former = joined.pop()
            rows = former.rows + point.rows
            point = _Point(
                rows,
                (former.rows * former.given + point.rows * point.given) / rows,
                (former.rows * former.true + point.rows * point.true) / rows,
            )
        joined.append(point)
    return joined


def _sigmoid(given: Floats, true: NDArray[np.bool_]) -> Curve:
    """A logistic regression on log odds, as points. One that falls would turn the order round: none is taken."""
    if true.all() or not true.any():
        return AS_IT_IS
    share = np.clip(given.astype(np.float64), 1e-5, 1 - 1e-5)
    odds = np.log(share / (1 - share))
    line = LogisticRegression(C=1e6).fit(odds[:, np.newaxis], true)
    slope, shift = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:
        return AS_IT_IS
    at = 1 / (1 + np.exp(-SIGMOID_POINTS))
    mapped = 1 / (1 + np.exp(-(slope * SIGMOID_POINTS + shift)))
    return Curve(tuple(at.tolist()), tuple(mapped.tolist()))
