"""Journalled rows as arrays: the JSON of features, predictions and probabilities as the contract numbers it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Column, Contract, Matrix

_decode = msgspec.json.decode


def read_features(contract: Contract, texts: Sequence[str]) -> Matrix:
    """As the contract's encoder gives them. A sensitive column is NaN whatever the journal has of it: hash or nothing.

    So is a value that this contract has no number for.
    """
    rows = _decode_all(texts)
    matrix = np.full((len(rows), len(contract.features)), np.nan, np.float32)
    for column in contract.columns:
        if not column.sensitive:
            places = contract.positions(column.name)
            values = [row.get(column.name) for row in rows]
            if len(places) > 1:
                several = [_several(value, len(places)) for value in values]
                matrix[:, places] = np.reshape(several, (-1, len(places)))
            else:
                number = _reader(column)
                matrix[:, places[0]] = [number(value) for value in values]
    return matrix


def _reader(column: Column) -> Callable[[Any], float]:
    if column.type == "category":
        codes = {name: float(code) for code, name in enumerate(column.levels)}
        return lambda value: codes.get(value, math.nan) if isinstance(value, str) else math.nan
    # A timestamp stands in the journal as the number that `encode` makes of it; a boolean is a number here.
    return lambda value: float(value) if isinstance(value, int | float) else math.nan


def _several(value: Any, width: int) -> list[float]:
    """A time that is several features stands in the journal as a list of them."""
    if not isinstance(value, list) or len(value) != width:
        return [math.nan] * width
    return [float(cell) if isinstance(cell, int | float) else math.nan for cell in value]


def read_classes(contract: Contract, labels: Sequence[str | None]) -> NDArray[np.int64]:
    """The number of each class, -1 for a label that this contract does not have."""
    return _codes(contract, labels, -1)


def read_truth(contract: Contract, labels: Sequence[str | None]) -> NDArray[np.int64]:
    """The same of what was true: a label of another version is a class beyond the last, which this one cannot hit."""
    return _codes(contract, labels, len(contract.classes))


def _codes(contract: Contract, labels: Sequence[str | None], other: int) -> NDArray[np.int64]:
    codes: Mapping[str | None, int] = {name: code for code, name in enumerate(contract.classes)}
    return np.array(
        [-1 if label is None else codes.get(label, other) for label in labels], np.int64
    )


def read_numbers(
    contract: Contract, numbers: Sequence[float | None], texts: Sequence[str | None]
) -> NDArray[np.float64]:
    """By row and output: of one output it is `numbers`, of several an object in `texts`."""
    if len(contract.outputs) == 1:
        return np.array([_number(number) for number in numbers], np.float64).reshape(-1, 1)
    names = [output.name for output in contract.outputs]
    rows = _decode_all([text or "{}" for text in texts])
    return np.array(
        [[_number(row.get(name)) for name in names] for row in rows], np.float64
    ).reshape(len(rows), len(names))


def read_probabilities(
    contract: Contract, texts: Sequence[str | None]
) -> NDArray[np.float32] | None:
    """By row and class; None where the model gives none."""
    if not contract.classes or not any(texts):
        return None
    rows = _decode_all([text or "{}" for text in texts])
    return np.array(
        [[_number(row.get(name)) for name in contract.classes] for row in rows], np.float32
    ).reshape(len(rows), len(contract.classes))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _decode_all(texts: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _decode("[" + ",".join(texts) + "]")
    return rows
