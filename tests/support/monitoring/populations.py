"""Populations to draw rows from, with a model fitted to each: easy, hard, with rare positives, and of numbers.

Each can be shifted in its inputs, its relation left as it is; or changed in its relation, its inputs left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from service.bundle.contract import Column, Contract, Matrix, Output
from service.bundle.engines import predict_with
from service.bundle.reference import Calibration, CategoryProfile, NumberProfile, Profile, Reference
from tests.support.monitoring.calibration import LossModels, calibrate_classes, calibrate_numbers

COLUMNS = 6
TRAINING_ROWS = 4_000
HELD_OUT_ROWS = 4_000
#: How far a shifted population's first two columns lie from where they were, in standard deviations.
SHIFT = 0.7

Floats = NDArray[np.float64]


def _wave(inputs: Floats) -> Floats:
    first, second, third, fourth = inputs.T[:4]
    return np.asarray(first + 0.8 * second * third + np.sin(2 * fourth))


def _chance(steepness: float, offset: float, noise: float) -> Callable[[Floats, bool], Floats]:
    """Of class 1; `noise` of the labels are turned around. Changed, the first two columns count the other way."""

    def chance(inputs: Floats, changed: bool) -> Floats:
        if changed:
            inputs = inputs * np.array([-1.0, -1.0, *[1.0] * (COLUMNS - 2)])
        share = 1 / (1 + np.exp(-steepness * (_wave(inputs) - offset)))
        return np.asarray(noise + (1 - 2 * noise) * share)

    return chance


CHANCES = {
    "easy": _chance(8.0, 0.0, 0.0),
    "hard": _chance(1.5, 0.0, 0.1),
    "rare": _chance(4.0, 2.3, 0.0),
}


class Rows(NamedTuple):
    """Rows with a model's answers and their truth: what a window is made of."""

    matrix: Matrix
    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None
    truth: NDArray[Any]


class Population(NamedTuple):
    name: str
    contract: Contract
    reference: Reference
    loss_model: LossModels | None
    model: Any

    def draw(
        self, rows: int, random: np.random.Generator, shifted: bool = False, changed: bool = False
    ) -> Rows:
        matrix, truth = draw(self.name, rows, random, shifted, changed)
        return answered(self.model, matrix, truth)


def draw(
    name: str, rows: int, random: np.random.Generator, shifted: bool = False, changed: bool = False
) -> tuple[Matrix, NDArray[Any]]:
    inputs = random.normal(size=(rows, COLUMNS))
    if shifted:
        inputs[:, :2] += SHIFT
    matrix = inputs.astype(np.float32)
    if name in CHANCES:
        return matrix, (random.random(rows) < CHANCES[name](inputs, changed)).astype(np.int64)
    spread = 0.3 + 0.5 * np.abs(inputs[:, 0])
    relation = -_wave(inputs) if changed else _wave(inputs)
    return matrix, relation + spread * random.normal(size=rows)


def answered(model: Any, matrix: Matrix, truth: NDArray[Any]) -> Rows:
    answer = predict_with(model, matrix)
    values = answer.values if answer.probabilities is not None else answer.values[:, 0]
    return Rows(matrix, values, answer.probabilities, truth)


def population(name: str, seed: int = 0) -> Population:
    random = np.random.default_rng(seed)
    matrix, truth = draw(name, TRAINING_ROWS, random)
    kind = HistGradientBoostingClassifier if name in CHANCES else HistGradientBoostingRegressor
    model = kind(max_iter=80, max_leaf_nodes=15, learning_rate=0.1, random_state=seed)
    model.fit(matrix, truth)
    held_out = answered(model, *draw(name, HELD_OUT_ROWS, random))
    contract = contract_of(held_out)
    calibration, loss_model = calibrated(held_out, seed)
    return Population(name, contract, reference_of(contract, held_out.matrix, calibration), loss_model, model)  # fmt: skip


def calibrated(held_out: Rows, seed: int = 0) -> tuple[Calibration, LossModels | None]:
    if held_out.probabilities is not None:
        return calibrate_classes(held_out.probabilities, held_out.values, held_out.truth), None
    return calibrate_numbers(held_out.matrix, held_out.values, held_out.truth, seed)


def contract_of(rows: Rows, names: tuple[str, ...] = ()) -> Contract:
    """Of numbers alone."""
    names = names or tuple(f"column_{number}" for number in range(rows.matrix.shape[1]))
    classes = (
        () if rows.probabilities is None else tuple(map(str, range(rows.probabilities.shape[1])))
    )
    return Contract(
        model="made-up",
        task="classification" if classes else "regression",
        columns=tuple(Column(name=name, type="number") for name in names),
        outputs=(Output("answer"),),
        classes=classes,
    )  # fmt: skip


def reference_of(contract: Contract, matrix: Matrix, calibration: Calibration) -> Reference:
    return Reference(
        rows=len(matrix),
        columns={
            column.name: _profile(matrix[:, position], column)
            for position, column in enumerate(contract.columns)
        },
        predictions={},
        calibration=calibration,
    )


def _profile(values: NDArray[Any], column: Column) -> Profile:
    present = values[~np.isnan(values)].astype(np.float64)
    nulls = len(values) - len(present)
    if column.type in ("category", "boolean"):
        names = column.categories or ("false", "true")
        counts = np.bincount(present.astype(int), minlength=len(names)).tolist()
        return CategoryProfile(len(values), nulls, dict(zip(names, counts, strict=True)))
    return NumberProfile(
        len(values), nulls, float(present.mean()), float(present.std()),
        tuple(np.quantile(present, np.linspace(0, 1, 1001)).tolist()),
    )  # fmt: skip
