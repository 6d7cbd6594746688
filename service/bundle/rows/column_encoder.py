"""All values of one column at once, as its features of the matrix; what it refuses is noted, value by value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.column import Column
from service.bundle.contract import ERROR_LIMIT, Contract, FieldError, Invalid, Part, Reason
from service.bundle.rows.column_value import MISSING, codes_of, refusal_reason, value_encoder
from service.bundle.rows.times import moment, time_features

#: Fewer numbers are as fast one by one.
MANY = 8
#: No boolean is one, though Python counts with it.
_NUMBERS = frozenset((int, float))


class Refusals:
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
        self.count(column if counted_as is None else counted_as, reason)
        if len(self.first) < ERROR_LIMIT:
            self.first.append(FieldError(row, column, None if value is MISSING else value, allowed))

    def add_value(self, row: int, column: Column, value: Any) -> None:
        """What is allowed is worked out for those alone that are told: it takes time where categories are many."""
        self.count(column.name, refusal_reason(column, value))
        if len(self.first) < ERROR_LIMIT:
            plain = None if value is MISSING else value
            error = FieldError(row, column.name, plain, column.allowed_beside(plain))
            self.first.append(error)

    def count(self, name: str, reason: Reason) -> None:
        self.total += 1
        self._values[name, reason] += 1

    def raise_if_any(self) -> None:
        if self.total:
            raise Invalid(self.first, self.total, self._values)


class ColumnEncoder:
    """One column, whose features stand at `positions`, side by side."""

    def __init__(self, column: Column, positions: tuple[int, ...]):
        self.column = column
        self.positions, self.width = positions, len(positions)
        #: Where the column stands in a matrix: a place, or several.
        self.place: int | slice = positions[0]
        if self.width > 1:
            self.place = slice(positions[0], positions[-1] + 1)
        self.encode = value_encoder(column, self.width)
        self._codes = codes_of(column) if column.type == "category" else {}

    def encode_or_note(self, value: Any, row: int, refusals: Refusals) -> list[float]:
        try:
            return self.encode(None if value is MISSING else value)
        except ValueError:
            refusals.add_value(row, self.column, value)
            return [math.nan] * self.width

    def encode_vector(self, values: Any, refusals: Refusals) -> Any:
        """What fits `place` of all rows. Arrays of numbers and times go through NumPy, categories by their codes."""
        numbers = self._encode_at_once(values)
        if numbers is not None:
            return numbers
        cells = [
            self.encode_or_note(_plain(value), row, refusals) for row, value in enumerate(values)
        ]
        if self.width == 1:
            return [cell for (cell,) in cells]
        return np.array(cells, np.float64).reshape(len(cells), self.width)

    @property
    def _all(self) -> int | slice:
        return 0 if self.width == 1 else slice(None)

    def encode_decoded(self, values: tuple[Any, ...]) -> Any:
        """Values that msgspec decoded as the column's type; ValueError, TypeError or KeyError for any other."""
        if self._codes:
            return [self._codes[value] for value in values]
        if self.column.type == "timestamp":
            return self._encode_times(values)
        return values

    def _encode_times(self, values: tuple[Any, ...]) -> NDArray[np.float64]:
        try:
            moments = [
                np.datetime64("NaT", "us") if cell is None else moment(cell) for cell in values
            ]
        except OverflowError as error:
            raise ValueError(str(error)) from error
        return time_features(np.array(moments, "M8[us]"), self.column.time_parts)[:, self._all]

    def _encode_at_once(self, values: Any) -> Any:
        """All values, or None where one of them needs a closer look."""
        kind = values.dtype.kind if isinstance(values, np.ndarray) else ""
        if kind == "M":
            return self._encode_moments(values.astype("M8[us]"))
        if kind and kind in "fiu":
            return self._encode_numbers(values)
        if self._codes:
            return self._encode_categories(values.tolist() if kind else values)
        if self.column.type == "boolean" and kind in ("b", "O"):
            return self._encode_booleans(values)
        return None if kind or len(values) < MANY else self._encode_list(values)

    def _encode_categories(self, values: Sequence[Any]) -> list[float] | None:
        try:
            return [self._codes[value] for value in values]
        except (KeyError, TypeError):
            return None

    def _encode_booleans(self, values: NDArray[Any]) -> NDArray[np.float64] | None:
        types = set(map(type, values.tolist()))
        allowed = {bool, type(None)} if self.column.nullable else {bool}
        # A null becomes NaN.
        return values.astype(np.float64) if types <= allowed else None

    def _encode_list(self, values: Sequence[Any]) -> NDArray[np.float64] | None:
        if self.column.type not in ("number", "integer") or not _NUMBERS.issuperset(
            map(type, values)
        ):
            return None
        try:
            return self._encode_numbers(np.array(values, np.float64))
        except OverflowError:
            return None

    def _encode_moments(self, values: NDArray[Any]) -> NDArray[np.float64] | None:
        column = self.column
        if column.type != "timestamp" or (not column.nullable and np.isnat(values).any()):
            return None
        return time_features(values, column.time_parts)[:, self._all]

    def _encode_numbers(self, values: NDArray[Any]) -> NDArray[np.float64] | None:
        if self.column.type not in ("number", "integer"):
            return None
        numbers = values.astype(np.float64)
        return numbers if allowed_numbers(self.column, numbers).all() else None


def allowed_numbers(column: Column, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of many numbers are taken as they are; NaN is a null. None of a column that is not of numbers."""
    if column.type not in ("number", "integer"):
        return np.zeros(len(numbers), dtype=bool)
    low, high = column.bounds
    allowed = (numbers >= low) & (numbers <= high)
    if column.type == "integer":
        allowed &= numbers == np.floor(numbers)
    if column.nullable:
        allowed |= np.isnan(numbers)
    return allowed


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own; a missing value of an array (NaN, NaT) as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return None if isinstance(value, float) and math.isnan(value) else value


def column_encoders(contract: Contract) -> list[ColumnEncoder]:
    """One a column, in the contract's order."""
    parts: dict[str, list[Part]] = {}
    for part in contract.parts:
        parts.setdefault(part.column.name, []).append(part)
    return [
        ColumnEncoder(own[0].column, tuple(place for part in own for place in part.positions))
        for own in parts.values()
    ]
