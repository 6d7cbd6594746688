"""Columns of a table as the matrix, and each value that the contract refuses: for batches.

The encoder refuses a request as a whole; here a row that is refused leaves all others alone. What a value becomes, and
which are refused, is the encoder's rule: it is asked once for each distinct value, and for each number that
is not plainly within its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Column, Contract, Matrix, Reason
from service.bundle.rows.column_encoder import ColumnEncoder, allowed_numbers, column_encoders
from service.bundle.rows.column_value import refusal_reason
from service.bundle.rows.times import time_features

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
    matrix = np.empty((rows, len(contract.features)), dtype=np.float32)
    nothing = Coded(np.full(rows, -1), [])
    refusals: list[Refusal] = []
    for encoder in column_encoders(contract):
        numbers, refused = _encode(encoder, columns.get(encoder.column.name, nothing))
        matrix[:, encoder.positions] = numbers
        refusals += refused
    sound = np.ones(rows, dtype=bool)
    sound[[refusal.row for refusal in refusals]] = False
    # Stable: within a row, they stay in the order of the contract's columns.
    refusals.sort(key=lambda refusal: refusal.row)
    return EncodedTable(matrix, sound, refusals)


def count_others(contract: Contract, matrix: Matrix) -> dict[str, int]:
    """Of each column that takes them, the values that are none of its categories; without columns that have none."""
    counts = {
        column.name: int((matrix[:, contract.positions(column.name)[0]] == column.other).sum())
        for column in contract.columns
        if column.other is not None
    }
    return {name: count for name, count in counts.items() if count}


def _encode(encoder: ColumnEncoder, values: TableColumn) -> tuple[NDArray[Any], list[Refusal]]:
    """A column's features side by side."""
    column = encoder.column
    if isinstance(values, Coded):
        return _encode_coded(encoder, values)
    if isinstance(values, Moments):
        numbers = _of_moments(encoder, values)
        doubtful = values.unread if column.nullable else np.isnat(values.moments)
    else:
        numbers = np.repeat(values.numbers[:, np.newaxis], encoder.width, axis=1)
        doubtful = ~allowed_numbers(column, values.numbers)
    refused: list[Refusal] = []
    for row in np.flatnonzero(doubtful).tolist():
        value = values.original(row)
        try:
            numbers[row] = encoder.encode(value)
        except ValueError:
            # Else one beyond float32 would overflow on its way into the matrix.
            numbers[row] = np.nan
            refused.append(Refusal(row, column, value, refusal_reason(column, value)))
    return numbers, refused


def _of_moments(encoder: ColumnEncoder, values: Moments) -> NDArray[np.float64]:
    """Of a column that takes no times nothing: each is refused, or read as what else it is."""
    if encoder.column.type != "timestamp":
        return np.full((len(values.moments), encoder.width), np.nan)
    return time_features(values.moments, encoder.column.time_parts)


def _encode_coded(encoder: ColumnEncoder, values: Coded) -> tuple[NDArray[Any], list[Refusal]]:
    # The last is a null's, which the code -1 finds.
    distinct = [*values.values, None]
    numbers = np.full((len(distinct), encoder.width), np.nan)
    is_refused = np.zeros(len(distinct), dtype=bool)
    for code, value in enumerate(distinct):
        try:
            numbers[code] = encoder.encode(value)
        except ValueError:
            is_refused[code] = True
    rows = np.flatnonzero(is_refused[values.codes])
    return numbers[values.codes], list(
        _refusals(encoder.column, rows, values.codes[rows], distinct)
    )


def _refusals(
    column: Column, rows: NDArray[Any], codes: NDArray[Any], distinct: list[Any]
) -> Iterator[Refusal]:
    reasons = {code: refusal_reason(column, distinct[code]) for code in set(codes.tolist())}
    for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
        yield Refusal(row, column, distinct[code], reasons[code])
