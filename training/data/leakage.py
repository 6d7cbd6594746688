"""The checks of encoded rows: leakage, duplicates across the split, constants, classes too rare to learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from service.bundle.contract import Matrix
from service.bundle.rows.encoder import Encoder
from training.data.report import Violation
from training.data.split import Split
from training.spec.values import Spec

LEAKAGE_ROWS = 5_000


def check_encoded(
    spec: Spec, encoder: Encoder, matrix: Matrix, target: NDArray[Any], split: Split
) -> list[Violation]:
    """What makes a model look better than it is."""
    return [
        *_leakage(spec, encoder, matrix[split.train], target[split.train]),
        *_duplicates(spec, matrix, target, split),
        *_constants(spec, encoder, matrix),
        *_balance(spec, target, split, encoder.contract.classes),
    ]


def _leakage(
    spec: Spec, encoder: Encoder, matrix: Matrix, target: NDArray[Any]
) -> Iterator[Violation]:
    chosen = np.random.default_rng(spec.search.seed).permutation(len(matrix))[:LEAKAGE_ROWS]
    truth = target[chosen]
    for name in encoder.contract.names:
        cells = matrix[chosen][:, encoder.contract.positions(name)]
        score = _alone(spec, np.nan_to_num(cells, nan=-1e9), truth)
        if score >= spec.checks.leakage_score:
            message = f"alone predicts {spec.source.target} (score {score:.3f}); is it known before the prediction?"
            yield Violation("leakage", name, spec.checks.leakage, len(matrix), message)


def _alone(spec: Spec, feature: Matrix, truth: NDArray[Any]) -> float:
    """How well a small tree on one column does: 0 is no better than guessing, 1 is perfect."""
    if len(truth) and (truth == truth[0]).all():
        return 0.0
    if spec.task == "regression":
        return float(
            cross_val_score(
                DecisionTreeRegressor(max_leaf_nodes=64, random_state=0), feature, truth, cv=3
            ).mean()
        )
    most = np.unique(truth, return_counts=True)[1].max() / len(truth)
    if np.unique(truth, return_counts=True)[1].min() < 3:
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=64, random_state=0)
    accuracy = float(cross_val_score(tree, feature, truth, cv=3, scoring="accuracy").mean())
    return float((accuracy - most) / (1 - most))


def _duplicates(
    spec: Spec, matrix: Matrix, target: NDArray[Any], split: Split
) -> Iterator[Violation]:
    rows = pd.util.hash_pandas_object(
        pd.DataFrame(matrix).assign(target=target), index=False
    ).to_numpy()
    twice = split.held_out[np.isin(rows[split.held_out], rows[split.train])]
    if len(twice):
        message = f"{len(twice)} held-out rows stand among the training rows too; the metrics flatter the model"
        yield Violation("duplicates", "", spec.checks.duplicates, len(twice), message)


def _constants(spec: Spec, encoder: Encoder, matrix: Matrix) -> Iterator[Violation]:
    for name in encoder.contract.names:
        values = matrix[:, encoder.contract.positions(name)]
        values = values[~np.isnan(values).any(axis=1)]
        if len(values) == 0 or (values == values[0]).all():
            what = f"always {values[0, 0]:g}" if len(values) else "always null"
            yield Violation(
                "constants",
                name,
                spec.checks.constants,
                len(matrix),
                f"is {what}; it tells a model nothing",
            )


def _balance(
    spec: Spec, target: NDArray[Any], split: Split, classes: tuple[str, ...]
) -> Iterator[Violation]:
    if spec.task != "classification":
        if (target == target[0]).all():
            message = f"is always {target[0]:g}; there is nothing to predict"
            yield Violation("balance", spec.source.target, "error", len(target), message)
        return
    if len(classes) < 2:
        message = f"has the one class {classes[0]}; a model needs two to tell apart"
        yield Violation("balance", spec.source.target, "error", len(target), message)
    counts, learnt = (
        np.bincount(part, minlength=len(classes)) for part in (target, target[split.train])
    )
    for label, count, seen in zip(classes, counts, learnt, strict=True):
        if seen == 0:
            # The model would not know it, and give fewer probabilities than the contract has classes.
            message = f"class {label} has no row to learn from; leave it out of target.classes and of the data"
            yield Violation("balance", spec.source.target, "error", int(count), message)
        elif count / len(target) < spec.checks.minimum_class_share:
            least = spec.checks.minimum_class_share
            message = f"class {label} has {count} of {len(target)} rows, less than {least:.1%}"
            yield Violation("balance", spec.source.target, spec.checks.balance, int(count), message)
