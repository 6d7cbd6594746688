"""The candidate `gradient-boosting`: LightGBM. It takes missing values and categories as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.pipeline import Pipeline

from service.bundle.contract import Contract, Matrix
from training.fit.candidates.candidate import Candidate
from training.fit.preprocessing import before_codes
from training.fit.trees.boosted import BoostedClassifier, BoostedRegressor
from training.fit.trees.boosted_onnx import register_boosted
from training.spec.values import Spec


def _boosting(spec: Spec, contract: Contract) -> BoostedClassifier | BoostedRegressor:
    kind = BoostedClassifier if contract.task == "classification" else BoostedRegressor
    columns = [feature.column for feature in contract.features]
    monotone = tuple(spec.monotone.get(column.name, 0) for column in columns)
    return kind(
        categories=tuple(
            number for number, column in enumerate(columns) if column.type == "category"
        ),
        monotone=monotone if any(monotone) else (),
        validation="last" if spec.ordered else "random",
        loss=spec.target.loss,
        class_weight=spec.target.class_weight,
        seed=spec.search.seed,
    )


def quantile_model(spec: Spec, contract: Contract, level: float, matrix: Matrix) -> Pipeline:
    """Not fitted: trees that answer with a quantile of the target."""
    trees = _boosting(spec, contract).set_params(loss="quantile", level=level)
    return before_codes(contract, matrix, trees)


class LogInteger(NamedTuple):
    """Whole numbers from `low` to `high`, each doubling as probable as the next."""

    low: int
    high: int

    def rvs(self, random_state: np.random.RandomState) -> int:
        drawn = np.exp(random_state.uniform(np.log(self.low), np.log(self.high + 1)))
        return min(self.high, int(drawn))


def _space(_: Contract) -> Mapping[str, Any]:
    return {
        "learning_rate": loguniform(0.02, 0.2),
        "trees": LogInteger(30, 300),
        "leaves": LogInteger(6, 128),
        "leaf_rows": LogInteger(4, 100),
        "column_share": uniform(0.5, 0.5),
        "row_share": uniform(0.6, 0.4),
        "l2": loguniform(1e-3, 10),
    }


register_boosted()

#: It takes missing values, and categories by their codes.
GRADIENT_BOOSTING = Candidate(
    "gradient boosting", _boosting, _space, preprocessing="codes", multiple=False
)
