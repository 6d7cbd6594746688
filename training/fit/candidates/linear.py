"""The candidate `linear`: logistic regression of classes, ridge regression of numbers."""

from __future__ import annotations

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


LINEAR = Candidate("linear model", _linear, preprocessing="scaled")
