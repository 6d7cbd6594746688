"""One value of a column as the numbers that a model is fed, one a feature, or why the contract refuses it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.bundle.column import Column, TimePart
from service.bundle.contract import Reason
from service.bundle.rows.times import moment, time_features

#: ValueError when the contract refuses the value.
EncodeValue = Callable[[Any], list[float]]


class Missing:  # pylint: disable=too-few-public-methods
    """Stands where a row has no value at all."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


def codes_of(column: Column) -> dict[Any, float]:
    """Category to code; where others are allowed, any text has one. A null is NaN, by each of its words."""
    codes: dict[Any, float] = {name: float(code) for code, name in enumerate(column.categories)}
    if column.nullable:
        codes |= {None: math.nan, np.nan: math.nan}
    return codes if column.other is None else _CodesWithOther(codes, float(column.other))


class _CodesWithOther(dict[Any, float]):
    """What is no text is a KeyError, as in the codes of a column that refuses others."""

    def __init__(self, codes: Mapping[Any, float], other: float):
        super().__init__(codes)
        self._other = other

    def __missing__(self, key: Any) -> float:
        if isinstance(key, str):
            return self._other
        raise KeyError(key)


def value_encoder(column: Column, width: int) -> EncodeValue:
    """Made once for each column: of thousands of categories none is looked for one by one."""
    encode = _encoder_of(column)

    def encode_value(value: Any) -> list[float]:
        if value is not None:
            return encode(value)
        if column.nullable:
            return [math.nan] * width
        raise ValueError(value)

    return encode_value


def _encoder_of(column: Column) -> EncodeValue:
    if column.type == "category":
        return functools.partial(_encode_category, codes_of(column))
    if column.type == "timestamp":
        return functools.partial(_encode_time, column.time_parts)
    if column.type == "boolean":
        return _encode_boolean
    return functools.partial(_encode_number, column)


def _encode_category(codes: Mapping[Any, float], value: Any) -> list[float]:
    if not isinstance(value, str):
        raise ValueError(value)
    try:
        return [codes[value]]
    except KeyError as error:
        raise ValueError(value) from error


def _encode_time(parts: tuple[TimePart, ...], value: Any) -> list[float]:
    try:
        numbers = time_features(np.array([moment(value)]), parts)
    except OverflowError as error:
        raise ValueError(value) from error
    cells: list[float] = numbers[0].tolist()
    return cells


def _encode_boolean(value: Any) -> list[float]:
    if not isinstance(value, bool):
        raise ValueError(value)
    return [float(value)]


def _encode_number(column: Column, value: Any) -> list[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    low, high = column.bounds
    # A comparison with NaN is false, so NaN and the infinities fall through here.
    if not low <= value <= high or (column.type == "integer" and value != int(value)):
        raise ValueError(value)
    return [float(value)]


def refusal_reason(column: Column, value: Any) -> Reason:
    """Why an encoder refuses it."""
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
