"""What an estimate is made of, from held-out rows: blocks of like score, class maps, models of the loss.

By the formulae that training follows in training/bundle/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression

from service.bundle.contract import Matrix
from service.bundle.engines import Answer
from service.bundle.reference import Block, Calibration, ClassMap

LEAST = 50
FOLDS = 5


def groups(scores: NDArray[Any], losses: NDArray[Any]) -> Iterator[NDArray[np.intp]]:
    """Rows of one level of the isotonic fit, neighbours joined until each group has enough."""
    level = IsotonicRegression().fit(scores, losses).predict(scores)
    order = np.lexsort((scores, level))
    ends = np.flatnonzero(np.diff(level[order])) + 1
    begin = 0
    for end in [*ends[(ends >= LEAST) & (ends <= len(order) - LEAST)], len(order)]:
        if end - begin >= LEAST:
            yield order[begin:end]
            begin = end


def blocks(scores: NDArray[Any], losses: NDArray[Any]) -> tuple[Block, ...]:
    return tuple(
        Block(float(scores[rows].max()), len(rows), float(losses[rows].mean()), float(losses[rows].var(ddof=1)))
        for rows in groups(scores, losses)
    )  # fmt: skip


def class_map(probabilities: NDArray[Any], right: NDArray[Any]) -> ClassMap:
    points = list(groups(probabilities, right))
    return ClassMap(
        tuple(float(probabilities[rows].mean()) for rows in points),
        tuple(float(right[rows].mean()) for rows in points),
        tuple(len(rows) for rows in points),
    )


def calibrate_classes(
    probabilities: NDArray[Any], values: NDArray[Any], truth: NDArray[Any]
) -> Calibration:
    scores = probabilities[np.arange(len(values)), values].astype(np.float64)
    return Calibration(
        rows=len(truth),
        blocks={"accuracy": blocks(scores, (values == truth).astype(float))},
        class_maps=tuple(
            class_map(probabilities[:, code].astype(np.float64), (truth == code).astype(float))
            for code in range(probabilities.shape[1])
        ),
    )


class LossModels:  # pylint: disable=too-few-public-methods
    """As `loss.onnx` is asked: (rows, 10), five models of the absolute error, then five of the squared."""

    def __init__(self, models: list[Any]):
        self._models = models

    def predict(self, matrix: Matrix) -> Answer:
        return Answer(
            np.column_stack([model.predict(matrix) for model in self._models]).astype(np.float32)
        )


def calibrate_numbers(
    matrix: Matrix, values: NDArray[Any], truth: NDArray[Any], seed: int = 0
) -> tuple[Calibration, LossModels]:
    """Scores of the blocks are out of fold: of models that did not see the row."""
    inputs = np.column_stack([matrix, values]).astype(np.float32)
    fold = np.random.default_rng(seed).permutation(len(truth)) % FOLDS
    models, made = [], {}
    for name, losses in (("mae", np.abs(truth - values)), ("mse", (truth - values) ** 2)):
        scores = np.empty(len(truth))
        for number in range(FOLDS):
            model = GradientBoostingRegressor(
                n_estimators=60, max_leaf_nodes=8, min_samples_leaf=40, max_depth=None, random_state=seed
            )  # fmt: skip
            model.fit(inputs[fold != number], losses[fold != number])
            scores[fold == number] = model.predict(inputs[fold == number]).astype(np.float32)
            models.append(model)
        made[name] = blocks(scores, losses)
    return Calibration(rows=len(truth), blocks=made), LossModels(models)
