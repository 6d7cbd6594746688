"""One value of a column as the number that a model is fed, or why the contract refuses it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from service.bundle.contract import Column, Reason
from service.bundle.times import moment, time_part


class Missing:  # pylint: disable=too-few-public-methods
    """Stands where a row has no value at all."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


def encode_value(column: Column, value: Any) -> float:
    """One value as its number; ValueError when the contract refuses it."""
    if value is None:
        if column.nullable:
            return math.nan
        raise ValueError(value)
    if column.type == "category":
        if not isinstance(value, str):
            raise ValueError(value)
        return float(column.categories.index(value))
    if column.type == "timestamp":
        try:
            return float(time_part(np.array([moment(value)]), column.encode)[0])
        except OverflowError as error:
            raise ValueError(value) from error
    if column.type == "boolean":
        if not isinstance(value, bool):
            raise ValueError(value)
        return float(value)
    return _encode_number(column, value)


def _encode_number(column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    low, high = column.bounds
    # A comparison with NaN is false, so NaN and the infinities fall through here.
    if not low <= value <= high or (column.type == "integer" and value != int(value)):
        raise ValueError(value)
    return float(value)


def refusal_reason(column: Column, value: Any) -> Reason:
    """Why `encode_value` refuses it."""
    if value is None or value is MISSING:
        return "missing"
    if column.type == "category":
        return "unknown" if isinstance(value, str) else "type"
    if column.type in ("boolean", "timestamp"):
        return "type"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "type"
    low, high = column.bounds
    return "type" if low <= value <= high else "range"
