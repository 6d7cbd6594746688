"""The candidate `linear`: logistic regression of classes, ridge regression of numbers."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression, Ridge

from service.bundle.contract import Contract
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec


def _linear(spec: Spec, contract: Contract) -> LogisticRegression | Ridge:
    if contract.task == "classification":
        return LogisticRegression(max_iter=2000, random_state=spec.search.seed)
    return Ridge(random_state=spec.search.seed)


LINEAR = Candidate("linear model", _linear, preprocessing="scaled")
