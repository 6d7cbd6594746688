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
from training.fit.trees.forests_onnx import register_forests
from training.spec.values import Spec


def _random_forest(
    spec: Spec, contract: Contract
) -> RandomForestClassifier | RandomForestRegressor:
    seed = spec.search.seed
    if contract.task == "classification":
        return RandomForestClassifier(class_weight=spec.target.class_weight, random_state=seed)
    return RandomForestRegressor(random_state=seed)


def _extra_trees(spec: Spec, contract: Contract) -> ExtraTreesClassifier | ExtraTreesRegressor:
    seed = spec.search.seed
    if contract.task == "classification":
        return ExtraTreesClassifier(class_weight=spec.target.class_weight, random_state=seed)
    return ExtraTreesRegressor(random_state=seed)


def _space(_: Contract) -> Mapping[str, Any]:
    return {
        "n_estimators": randint(40, 101),
        "max_features": uniform(0.4, 0.6),
        "min_samples_leaf": randint(1, 6),
    }


register_forests()

RANDOM_FOREST = Candidate("random forest", _random_forest, _space)
EXTRA_TREES = Candidate("extra trees", _extra_trees, _space)
