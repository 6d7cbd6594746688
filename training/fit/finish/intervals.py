"""Quantiles beside a regression's answer: boosted trees for each, moved so that each holds its share of the truth."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from service.bundle.contract import Contract, Matrix
from training.fit.candidates.resolve import resolve
from training.fit.finish.out_of_fold import answer_out_of_fold
from training.spec.values import Spec


class WithIntervals(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted regressor, and one for either end of the interval with by how much its answers are moved."""

    def __init__(self, estimator: Any, ends: tuple[Any, Any], shifts: tuple[float, float]):
        self.estimator = estimator
        self.ends = ends
        self.shifts = shifts

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: Any) -> Self:
        """It is made of what is fitted; scikit-learn takes nothing for an estimator that cannot fit."""
        return self

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The answer, the lower end and the upper one; ends that cross change places."""
        answers = np.asarray(self.estimator.predict(matrix), dtype=np.float64).reshape(-1)
        ends = np.column_stack(
            [end.predict(matrix) + shift for end, shift in zip(self.ends, self.shifts, strict=True)]
        )
        return np.column_stack([answers, ends.min(axis=1), ends.max(axis=1)])


def add_intervals(
    spec: Spec, contract: Contract, pipeline: Any, matrix: Matrix, target: NDArray[Any]
) -> WithIntervals:
    """Trees alone hold less than they should of rows that they did not learn from: by such rows they are moved."""
    # Says what to install where LightGBM cannot be loaded, which no model without intervals needs.
    resolve("gradient-boosting")
    from training.fit.candidates.boosting import (  # pylint: disable=import-outside-toplevel
        quantile_model,
    )

    ends, shifts = [], []
    for level in spec.target.intervals:
        model = quantile_model(spec, contract, level, matrix)
        unseen = answer_out_of_fold(
            spec, model, matrix, target, lambda fitted, rows: fitted.predict(rows)
        )
        shifts.append(float(np.quantile(unseen.truth - unseen.answers, level)))
        ends.append(model.fit(matrix, target))
    return WithIntervals(pipeline, (ends[0], ends[1]), (shifts[0], shifts[1]))
