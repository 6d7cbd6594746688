"""The candidate `linear`: logistic regression of classes, ridge regression of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform
from sklearn.linear_model import HuberRegressor, LogisticRegression, Ridge

from service.bundle.contract import Contract
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec

#: From so many deviations on a miss counts by its size, no longer by its square.
NEARLY_ABSOLUTE = 1.01


def _linear(spec: Spec, contract: Contract) -> LogisticRegression | HuberRegressor | Ridge:
    if contract.task == "classification":
        return LogisticRegression(
            max_iter=2000, class_weight=spec.target.class_weight, random_state=spec.search.seed
        )
    if spec.target.loss == "absolute":
        return HuberRegressor(epsilon=NEARLY_ABSOLUTE, max_iter=2000)
    return Ridge(random_state=spec.search.seed)


def _space(contract: Contract) -> Mapping[str, Any]:
    """How far the coefficients are held back: more where there are many columns and few rows."""
    if contract.task == "classification":
        return {"C": loguniform(1e-3, 1e2)}
    return {"alpha": loguniform(1e-2, 1e3)}


LINEAR = Candidate("linear model", _linear, _space, preprocessing="scaled")
