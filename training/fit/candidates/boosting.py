"""The candidates `gradient-boosting` and `histogram-gradient-boosting`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform, randint, uniform
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from service.bundle.contract import Contract
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec


def _plain(spec: Spec, contract: Contract) -> Any:
    classes = contract.task == "classification"
    kind = GradientBoostingClassifier if classes else GradientBoostingRegressor
    return kind(random_state=spec.search.seed)


def _histogram(spec: Spec, contract: Contract) -> Any:
    classes = contract.task == "classification"
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(random_state=spec.search.seed)


def _space_of_plain(_: Contract) -> Mapping[str, Any]:
    return {
        "n_estimators": randint(80, 300),
        "learning_rate": loguniform(0.03, 0.25),
        "max_depth": randint(2, 6),
        "subsample": uniform(0.6, 0.4),
    }


def _space_of_histogram(_: Contract) -> Mapping[str, Any]:
    return {
        "max_iter": randint(80, 300),
        "learning_rate": loguniform(0.03, 0.25),
        "max_leaf_nodes": randint(8, 64),
        "l2_regularization": loguniform(1e-3, 10),
    }


GRADIENT_BOOSTING = Candidate("gradient boosting", _plain, _space_of_plain, multiple=False)
HISTOGRAM_GRADIENT_BOOSTING = Candidate(
    "histogram gradient boosting", _histogram, _space_of_histogram, multiple=False
)
