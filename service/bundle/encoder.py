"""Values of rows, encoded as the one float32 matrix that a model is fed, in training and in serving.

The hot path is `Encoder.encode_structs`: msgspec checks a body in C against `row_type`, made from the contract.
Whatever that refuses is read again by `Encoder.encode_rows`, which is the authority: it accepts what the contract
allows, or raises `Invalid` with one entry a bad field.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.column_value import MISSING, encode_value, refusal_reason
from service.bundle.contract import (
    ERROR_LIMIT,
    Column,
    Contract,
    FieldError,
    Invalid,
    Matrix,
    Reason,
)
from service.bundle.row_type import row_type
from service.bundle.times import time_part


class Encoder:
    """Turns requests for one contract into matrices. Made once; safe to share between threads."""

    def __init__(self, contract: Contract):
        self.contract = contract
        self._names = contract.names
        self._known = frozenset(self._names)
        self._codes = [
            (
                position,
                {name: float(code) for code, name in enumerate(column.categories)}
                | {None: math.nan},
            )
            for position, column in enumerate(contract.columns)
            if column.type == "category"
        ]
        self._times = [
            (position, functools.partial(encode_value, column))
            for position, column in enumerate(contract.columns)
            if column.type == "timestamp"
        ]
        self._width = len(contract.features)
        self._columns = [
            (contract.positions(column.name)[0], column) for column in contract.columns
        ]
        #: The type of one row, for msgspec: its fields stand in the contract's order.
        self.row_type = row_type(contract)

    def encode_structs(self, rows: Sequence[msgspec.Struct]) -> Matrix:
        """Rows that msgspec decoded as `row_type`; each has all columns.

        ValueError where a time cannot be encoded, TypeError or KeyError where a column was left out.
        """
        table: list[Any] = [msgspec.structs.astuple(row) for row in rows]
        if self._codes or self._times:
            table = [self._encode_cells(list(cells)) for cells in table]
        return np.array(table, dtype=np.float32).reshape(len(rows), self._width)

    def _encode_cells(self, cells: list[Any]) -> list[Any]:
        for position, codes in self._codes:
            cells[position] = codes[cells[position]]
        for position, encode in self._times:
            cells[position] = encode(cells[position])
        return cells

    def encode_rows(self, rows: Sequence[Any], ignore_unknown: bool = False) -> Matrix:
        """Rows as mappings of plain values; raises Invalid with every bad field."""
        matrix = np.empty((len(rows), self._width), dtype=np.float32)
        errors = _Errors()
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                errors.add(
                    number, "", row, "an object with the columns " + ", ".join(self._names), "type"
                )
                continue
            if not ignore_unknown:
                self._refuse_unknown(number, row, errors)
            for position, column in self._columns:
                matrix[number, position] = _encode_or_note(
                    column, row.get(column.name, MISSING), number, errors
                )
        errors.raise_if_any()
        return matrix

    def encode_columns(self, columns: Mapping[str, Any], ignore_unknown: bool = False) -> Matrix:
        """Columns of equal length, as lists or arrays; raises Invalid with every bad field."""
        errors = _Errors()
        if not ignore_unknown:
            self._refuse_unknown(0, columns, errors)
        rows = max((len(values) for values in columns.values()), default=0)
        matrix = np.empty((rows, self._width), dtype=np.float32)
        for position, column in self._columns:
            values = columns.get(column.name)
            if values is None:
                values = [MISSING] * rows
            if len(values) != rows:
                errors.add(
                    0,
                    column.name,
                    f"{len(values)} values",
                    f"{rows} values, as in the longest column",
                    "missing",
                )
                continue
            matrix[:, position] = _encode_vector(column, values, errors)
        errors.raise_if_any()
        return matrix

    def _refuse_unknown(self, number: int, row: Mapping[str, Any], errors: _Errors) -> None:
        for name in row:
            if name not in self._known:
                errors.add(
                    number,
                    str(name),
                    row[name],
                    "only the columns " + ", ".join(self._names),
                    "unknown",
                    counted_as="",
                )


class _Errors:
    """Collects the first hundred field errors and counts all."""

    def __init__(self) -> None:
        self.first: list[FieldError] = []
        self.total = 0
        self._values: Counter[tuple[str, Reason]] = Counter()

    def add(  # pylint: disable=too-many-arguments,too-many-positional-arguments
        self,
        row: int,
        column: str,
        value: Any,
        allowed: str,
        reason: Reason,
        counted_as: str | None = None,
    ) -> None:
        """What a caller named is no column, and is never counted by that name."""
        self.total += 1
        self._values[column if counted_as is None else counted_as, reason] += 1
        if len(self.first) < ERROR_LIMIT:
            self.first.append(FieldError(row, column, None if value is MISSING else value, allowed))

    def raise_if_any(self) -> None:
        if self.total:
            raise Invalid(self.first, self.total, self._values)


def _encode_or_note(column: Column, value: Any, row: int, errors: _Errors) -> float:
    try:
        return encode_value(column, None if value is MISSING else value)
    except ValueError:
        errors.add(row, column.name, value, column.allowed, refusal_reason(column, value))
        return math.nan


def _encode_vector(column: Column, values: Any, errors: _Errors) -> NDArray[Any] | list[float]:
    """Arrays of numbers and times go through NumPy; anything else value by value."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiuM":
        if values.dtype.kind == "M":
            values = values.astype("M8[us]")
        numbers = _encode_array(column, values)
        if numbers is not None:
            return numbers
    return [_encode_or_note(column, _plain(value), row, errors) for row, value in enumerate(values)]


def _encode_array(column: Column, values: NDArray[Any]) -> NDArray[np.float64] | None:
    """The whole array at once, or None when a value in it needs a closer look."""
    if values.dtype.kind == "M":
        if column.type != "timestamp" or (not column.nullable and np.isnat(values).any()):
            return None
        return time_part(values, column.encode)
    if column.type not in ("number", "integer"):
        return None
    numbers = values.astype(np.float64)
    low, high = column.bounds
    allowed = (numbers >= low) & (numbers <= high)
    if column.type == "integer":
        allowed &= numbers == np.floor(numbers)
    if column.nullable:
        allowed |= np.isnan(numbers)
    return numbers if allowed.all() else None


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own; a missing value of an array (NaN, NaT) as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return None if isinstance(value, float) and math.isnan(value) else value
