"""The candidates `random-forest` and `extra-trees`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.stats import randint, uniform
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from service.bundle.contract import Contract
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec


def _random_forest(
    spec: Spec, contract: Contract
) -> RandomForestClassifier | RandomForestRegressor:
    classes = contract.task == "classification"
    kind = RandomForestClassifier if classes else RandomForestRegressor
    return kind(random_state=spec.search.seed)


def _extra_trees(spec: Spec, contract: Contract) -> ExtraTreesClassifier | ExtraTreesRegressor:
    kind = ExtraTreesClassifier if contract.task == "classification" else ExtraTreesRegressor
    return kind(random_state=spec.search.seed)


def _space(_: Contract) -> Mapping[str, Any]:
    return {
        "n_estimators": randint(40, 101),
        "max_features": uniform(0.4, 0.6),
        "min_samples_leaf": randint(1, 6),
    }


RANDOM_FOREST = Candidate("random forest", _random_forest, _space)
EXTRA_TREES = Candidate("extra trees", _extra_trees, _space)
