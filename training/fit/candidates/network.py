"""The candidate `mlp`: a small neural network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform
from sklearn.neural_network import MLPClassifier, MLPRegressor

from service.bundle.contract import Contract
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec


def _network(spec: Spec, contract: Contract) -> MLPClassifier | MLPRegressor:
    kind = MLPClassifier if contract.task == "classification" else MLPRegressor
    return kind(random_state=spec.search.seed, early_stopping=True, max_iter=200)


def _space(_: Contract) -> Mapping[str, Any]:
    return {
        "hidden_layer_sizes": [(64,), (96,), (64, 32), (64, 64), (128, 64)],
        "alpha": loguniform(1e-6, 1e-2),
        "learning_rate_init": loguniform(5e-4, 1e-2),
    }


#: Of a million rows each pass is thousands of steps: 200 rows a step, and ten passes without a gain at the end, took
#: minutes that gained nothing.
OF_MANY_ROWS = {"batch_size": 1000, "n_iter_no_change": 3}
MLP = Candidate(
    "neural network", _network, _space, preprocessing="scaled", of_many_rows=OF_MANY_ROWS
)
