"""Populations to draw rows from, with a model fitted to each: easy, hard, with rare positives, and of numbers.

Each can be shifted in its inputs, its relation left as it is; or changed in its relation, its inputs left as they are.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from monitoring.window.values import Span, TruthRows, Window
from service.bundle.contract import Column, Contract, Matrix, Output
from service.bundle.engines import Answer, Engine, predict_with
from service.bundle.reference import LOSS_MODEL, Reference, open_loss_model
from tests.support.monitoring import HOUR, START
from training.bundle.calibration import calibrate
from training.bundle.profiles import profile_column

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

    def take(self, rows: Any) -> Rows:
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Rows(self.matrix[rows], self.values[rows], probabilities, self.truth[rows])


class Population(NamedTuple):
    name: str
    contract: Contract
    reference: Reference
    loss_model: Engine | None
    model: Any
    held_out: Rows

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


@functools.cache
def population(name: str, seed: int = 0) -> Population:
    """Fitted once in a process."""
    random = np.random.default_rng(seed)
    return fit(name, draw(name, TRAINING_ROWS, random), draw(name, HELD_OUT_ROWS, random), seed)


def fit(
    name: str,
    training: tuple[Matrix, NDArray[Any]],
    held_out: tuple[Matrix, NDArray[Any]],
    seed: int,
    names: tuple[str, ...] = (),
) -> Population:
    """Whole numbers are classes."""
    whole = training[1].dtype.kind == "i"
    kind = HistGradientBoostingClassifier if whole else HistGradientBoostingRegressor
    model = kind(max_iter=80, max_leaf_nodes=15, learning_rate=0.1, random_state=seed)
    model.fit(*training)
    rows = answered(model, *held_out)
    contract = contract_of(rows, names)
    return Population(name, contract, *known_of(contract, rows, seed), model, rows)


def known_of(contract: Contract, held_out: Rows, seed: int = 0) -> tuple[Reference, Engine | None]:
    """The reference, and the models of the loss, as training makes them of a model's answers to held-out rows."""
    values = (
        held_out.values if held_out.probabilities is not None else held_out.values[:, np.newaxis]
    )
    answer = Answer(values, held_out.probabilities)
    calibration, loss_models = calibrate(contract, held_out.matrix, held_out.truth, answer, seed)
    columns = {
        column.name: profile_column(column, held_out.matrix[:, position], seed)
        for position, column in enumerate(contract.columns)
        if not column.sensitive
    }
    reference = Reference(
        rows=len(held_out.matrix), columns=columns, predictions={}, calibration=calibration
    )
    if not loss_models:
        return reference, None
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / LOSS_MODEL).write_bytes(loss_models)
        return reference, open_loss_model(Path(folder))


def contract_of(rows: Rows, names: tuple[str, ...] = ()) -> Contract:
    """Of numbers alone."""
    names = names or tuple(f"column_{number}" for number in range(rows.matrix.shape[1]))
    codes = () if rows.probabilities is None else range(rows.probabilities.shape[1])
    return Contract(
        model="made-up",
        task="regression" if rows.probabilities is None else "classification",
        columns=tuple(Column(name=name, type="number") for name in names),
        outputs=(Output("answer"),),
        classes=tuple(map(str, codes)),
    )


def window_of(rows: Rows, **fields: Any) -> Window:
    """A window whose sample is all of it."""
    values: dict[str, Any] = {
        "model": "made-up",
        "version": "1",
        "arm": "champion",
        "span": Span(START, START + HOUR),
        "rows": len(rows.values),
        "matrix": rows.matrix,
        "values": rows.values,
        "probabilities": rows.probabilities,
        "at": np.zeros(len(rows.values)),
    }
    return Window(**values | fields)


def truth_of(rows: Rows, of: int | None = None, **fields: Any) -> TruthRows:
    """The truth of these rows, which are all of the window's or of as many."""
    values: dict[str, Any] = {
        "rows": len(rows.truth) if of is None else of,
        "with_truth": len(rows.truth),
        "matrix": rows.matrix,
        "values": rows.values,
        "probabilities": rows.probabilities,
        "truth": rows.truth,
        "delay": np.full(len(rows.truth), 60.0),
    }
    return TruthRows(**values | fields)
