"""A regressor that learns the target's logarithm or power, and answers in the target's own unit."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.preprocessing import PowerTransformer

from service.bundle.contract import Matrix

Floats = NDArray[np.float64]

#: A power nearer to where its formula changes is taken as that: the formula divides by the distance.
LEAST_DISTANCE = 0.02


class TransformedTarget(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What the regressor learns has mean 0 and deviation 1.

    No answer leaves the range of the targets that it learnt from: beyond it, a straight line in logarithms is soon a
    million times too large.
    """

    def __init__(self, regressor: Any, transform: Literal["log", "yeo-johnson"] = "log"):
        self.regressor = regressor
        self.transform = transform

    regressor_: Any
    power_: float
    mean_: float
    deviation_: float
    low_: float
    high_: float

    def fit(self, matrix: Matrix, target: NDArray[Any]) -> Self:
        values = np.asarray(target, dtype=np.float64)
        if self.transform == "log" and values.min() <= 0:
            raise ValueError(
                f"target.transform 'log' takes targets above 0, and one is {values.min():g}; 'yeo-johnson' takes any"
            )
        self.power_ = 0.0 if self.transform == "log" else _power_of(values)
        moved = self._forward(values)
        self.mean_, self.deviation_ = float(moved.mean()), float(moved.std()) or 1.0
        learnt = (moved - self.mean_) / self.deviation_
        self.low_, self.high_ = float(learnt.min()), float(learnt.max())
        self.regressor_ = clone(self.regressor).fit(matrix, learnt)
        return self

    def predict(self, matrix: Matrix) -> Floats:
        answers = np.asarray(self.regressor_.predict(matrix), dtype=np.float64).reshape(-1)
        return self._backward(
            np.clip(answers, self.low_, self.high_) * self.deviation_ + self.mean_
        )

    def _forward(self, values: Floats) -> Floats:
        if self.transform == "log":
            return np.log(values)
        size, power = np.abs(values), np.where(values >= 0, self.power_, 2 - self.power_)
        moved = np.where(power == 0, np.log1p(size), ((size + 1) ** power - 1) / _not_0(power))
        return np.where(values >= 0, moved, -moved)

    def _backward(self, moved: Floats) -> Floats:
        if self.transform == "log":
            return np.exp(moved)
        size, power = np.abs(moved), np.where(moved >= 0, self.power_, 2 - self.power_)
        base = np.maximum(size * power + 1, np.finfo(np.float64).tiny)
        # Of both formulas, that which is not taken may well be infinite.
        with np.errstate(over="ignore"):
            values = np.where(power == 0, np.expm1(size), base ** (1 / _not_0(power)) - 1)
        return np.where(moved >= 0, values, -values)


def _not_0(power: Floats) -> Floats:
    return np.where(power == 0, 1.0, power)


def _power_of(values: Floats) -> float:
    """The power after which the values are most like a normal distribution."""
    fitted = PowerTransformer(standardize=False).fit(values[:, np.newaxis])
    power = float(fitted.lambdas_[0])
    return next((edge for edge in (0.0, 2.0) if abs(power - edge) < LEAST_DISTANCE), power)
