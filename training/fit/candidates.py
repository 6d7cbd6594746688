"""The estimators that may compete, by the names of the spec, each with the space that a search draws from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from scipy.stats import loguniform, randint, uniform
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline

from service.bundle.contract import Contract
from training.fit.preprocessing import preprocessing


class Candidate(NamedTuple):
    """`classifier` and `regressor` take a seed; `space` is of parameters of either."""

    title: str
    classifier: Callable[[int], Any]
    regressor: Callable[[int], Any]
    space: dict[str, Any]
    scaled: bool = False
    #: Whether the regressor predicts several numbers at once.
    multiple: bool = True


_TREES = {
    "n_estimators": randint(40, 101),
    "max_features": uniform(0.4, 0.6),
    "min_samples_leaf": randint(1, 6),
}

CANDIDATES: dict[str, Candidate] = {
    "linear": Candidate(
        "linear model",
        lambda seed: LogisticRegression(max_iter=2000, random_state=seed),
        lambda seed: Ridge(random_state=seed),
        {},
        scaled=True,
    ),
    "random-forest": Candidate(
        "random forest",
        lambda seed: RandomForestClassifier(random_state=seed),
        lambda seed: RandomForestRegressor(random_state=seed),
        _TREES,
    ),
    "extra-trees": Candidate(
        "extra trees",
        lambda seed: ExtraTreesClassifier(random_state=seed),
        lambda seed: ExtraTreesRegressor(random_state=seed),
        _TREES,
    ),
    "gradient-boosting": Candidate(
        "gradient boosting",
        lambda seed: GradientBoostingClassifier(random_state=seed),
        lambda seed: GradientBoostingRegressor(random_state=seed),
        {
            "n_estimators": randint(80, 300),
            "learning_rate": loguniform(0.03, 0.25),
            "max_depth": randint(2, 6),
            "subsample": uniform(0.6, 0.4),
        },
        multiple=False,
    ),
    "histogram-gradient-boosting": Candidate(
        "histogram gradient boosting",
        lambda seed: HistGradientBoostingClassifier(random_state=seed),
        lambda seed: HistGradientBoostingRegressor(random_state=seed),
        {
            "max_iter": randint(80, 300),
            "learning_rate": loguniform(0.03, 0.25),
            "max_leaf_nodes": randint(8, 64),
            "l2_regularization": loguniform(1e-3, 10),
        },
        multiple=False,
    ),
    "mlp": Candidate(
        "neural network",
        lambda seed: MLPClassifier(random_state=seed, early_stopping=True, max_iter=200),
        lambda seed: MLPRegressor(random_state=seed, early_stopping=True, max_iter=200),
        {
            "hidden_layer_sizes": [(64,), (96,), (64, 32), (64, 64), (128, 64)],
            "alpha": loguniform(1e-6, 1e-2),
            "learning_rate_init": loguniform(5e-4, 1e-2),
        },
        scaled=True,
    ),
}


def make_pipeline(name: str, contract: Contract, seed: int) -> Pipeline:
    """Preprocessing and estimator, not fitted. The estimator's step is called `model`."""
    candidate = CANDIDATES[name]
    model = (
        candidate.classifier(seed)
        if contract.task == "classification"
        else candidate.regressor(seed)
    )
    if len(contract.outputs) > 1 and not candidate.multiple:
        model = MultiOutputRegressor(model)
    return Pipeline([("features", preprocessing(contract, candidate.scaled)), ("model", model)])


def space(name: str, contract: Contract) -> dict[str, Any]:
    """What a search may vary, by the pipeline's parameter names."""
    candidate = CANDIDATES[name]
    inner = (
        "model__estimator__" if len(contract.outputs) > 1 and not candidate.multiple else "model__"
    )
    return {inner + parameter: values for parameter, values in candidate.space.items()}
