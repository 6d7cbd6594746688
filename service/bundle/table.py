"""Columns of a table as the matrix, and each value that the contract refuses: for batches.

The encoder refuses a request as a whole; here a row that is refused leaves all others alone. What a value becomes, and
which are refused, is the encoder's rule: `encode_value` is asked once for each distinct value, and for each number that
is not plainly within its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.column_value import encode_value, refusal_reason
from service.bundle.contract import Column, Contract, Matrix, Reason
from service.bundle.times import time_part

#: The value of a row as plain Python, for a closer look and for messages.
Original = Callable[[int], Any]


class Numbers(NamedTuple):
    """A column of numbers; NaN is a null."""

    numbers: NDArray[np.float64]
    original: Original


class Moments(NamedTuple):
    """A column of times in UTC; NaT is a null, or `unread`: no time could be read from it."""

    moments: NDArray[np.datetime64]
    original: Original
    unread: NDArray[np.bool_]


class Coded(NamedTuple):
    """A column by its distinct values: `codes` has the place of each row's in `values`; -1 is a null."""

    codes: NDArray[np.int64]
    values: list[Any]


TableColumn = Numbers | Moments | Coded


class Refusal(NamedTuple):
    """One value that the contract refuses, and why."""

    row: int
    column: Column
    given: Any
    reason: Reason


class EncodedTable(NamedTuple):
    """`matrix` has all rows; those in which a value is refused have no meaning, and are not in `sound`."""

    matrix: Matrix
    sound: NDArray[np.bool_]
    refusals: list[Refusal]


def encode_table(contract: Contract, columns: Mapping[str, TableColumn], rows: int) -> EncodedTable:
    """So many rows; a column that is not there is null. Refusals are in the order of the rows."""
    matrix = np.empty((rows, len(contract.columns)), dtype=np.float32)
    nothing = Coded(np.full(rows, -1), [])
    refusals: list[Refusal] = []
    for position, column in enumerate(contract.columns):
        numbers, refused = _encode(column, columns.get(column.name, nothing))
        matrix[:, position] = numbers
        refusals += refused
    sound = np.ones(rows, dtype=bool)
    sound[[refusal.row for refusal in refusals]] = False
    # Stable: within a row, they stay in the order of the contract's columns.
    refusals.sort(key=lambda refusal: refusal.row)
    return EncodedTable(matrix, sound, refusals)


def _encode(column: Column, values: TableColumn) -> tuple[NDArray[Any], list[Refusal]]:
    if isinstance(values, Coded):
        return _encode_coded(column, values)
    if isinstance(values, Moments):
        numbers = time_part(values.moments, column.encode)
        doubtful = values.unread if column.nullable else np.isnat(values.moments)
    else:
        numbers, doubtful = values.numbers.copy(), ~allowed_numbers(column, values.numbers)
    refused: list[Refusal] = []
    for row in np.flatnonzero(doubtful).tolist():
        given = values.original(row)
        try:
            numbers[row] = encode_value(column, given)
        except ValueError:
            # Else one beyond float32 would overflow on its way into the matrix.
            numbers[row] = np.nan
            refused.append(Refusal(row, column, given, refusal_reason(column, given)))
    return numbers, refused


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


def _encode_coded(column: Column, values: Coded) -> tuple[NDArray[Any], list[Refusal]]:
    # The last is a null's, which the code -1 finds.
    distinct = [*values.values, None]
    numbers = np.full(len(distinct), np.nan)
    is_refused = np.zeros(len(distinct), dtype=bool)
    for code, value in enumerate(distinct):
        try:
            numbers[code] = encode_value(column, value)
        except ValueError:
            is_refused[code] = True
    rows = np.flatnonzero(is_refused[values.codes])
    return numbers[values.codes], list(_refusals(column, rows, values.codes[rows], distinct))


def _refusals(
    column: Column, rows: NDArray[Any], codes: NDArray[Any], distinct: list[Any]
) -> Iterator[Refusal]:
    reasons = {code: refusal_reason(column, distinct[code]) for code in set(codes.tolist())}
    for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
        yield Refusal(row, column, distinct[code], reasons[code])
