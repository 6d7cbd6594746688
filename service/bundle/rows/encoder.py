"""Values of rows, encoded as the one float32 matrix that a model is fed, in training and in serving.

The hot path is `Encoder.encode_structs`: msgspec checks a body in C against `row_type`, made from the contract.
Whatever that refuses is read again by `Encoder.encode_rows`, which is the authority: it accepts what the contract
allows, or raises `Invalid` with one entry a bad field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from service.bundle.contract import Contract, Matrix, name_few
from service.bundle.rows.column_encoder import Refusals, column_encoders
from service.bundle.rows.column_value import MISSING, codes_of
from service.bundle.rows.row_type import row_type


class Encoder:
    """Turns requests for one contract into matrices. Made once; safe to share between threads."""

    def __init__(self, contract: Contract):
        self.contract = contract
        self._names = contract.names
        self._known = frozenset(self._names)
        self._columns = column_encoders(contract)
        self._width = sum(column.width for column in self._columns)
        self._codes = [
            (position, codes_of(column))
            for position, column in enumerate(contract.columns)
            if column.type == "category"
        ]
        self._times = [
            (position, column.encode)
            for position, column in enumerate(self._columns)
            if column.column.type == "timestamp"
        ]
        self._encode_table = self._choose_way()
        #: The type of one row, for msgspec: its fields stand in the contract's order.
        self.row_type = row_type(contract)

    def _choose_way(self) -> Callable[[list[Any]], Any]:
        """What a contract does not need costs its rows nothing."""
        if self._width > len(self._columns):
            return self._encode_by_column
        return self._encode_by_row if self._codes or self._times else list

    def encode_structs(self, rows: Sequence[msgspec.Struct]) -> Matrix:
        """Rows that msgspec decoded as `row_type`; each has all columns.

        ValueError where a time cannot be encoded, TypeError or KeyError where a column was left out.
        """
        table: list[Any] = [msgspec.structs.astuple(row) for row in rows]
        cells = self._encode_table(table)
        return np.array(cells, dtype=np.float32).reshape(len(rows), self._width)

    def _encode_by_row(self, table: list[Any]) -> list[list[Any]]:
        return [self._encode_cells(list(cells)) for cells in table]

    def _encode_cells(self, cells: list[Any]) -> list[Any]:
        for position, codes in self._codes:
            cells[position] = codes[cells[position]]
        for position, encode in self._times:
            cells[position] = encode(cells[position])[0]
        return cells

    def _encode_by_column(self, table: list[Any]) -> Matrix:
        """Where a time is several features: the moments of all rows at once."""
        matrix = np.empty((len(table), self._width), dtype=np.float32)
        for column, values in zip(self._columns, zip(*table, strict=True), strict=True):
            matrix[:, column.place] = column.encode_decoded(values)
        return matrix

    def encode_rows(self, rows: Sequence[Any], ignore_unknown: bool = False) -> Matrix:
        """Rows as mappings of plain values; raises Invalid with every bad field."""
        matrix = np.empty((len(rows), self._width), dtype=np.float32)
        refusals = Refusals()
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                allowed = "an object with the columns " + name_few(self._names, str)
                refusals.add(number, "", row, allowed, "type")
                continue
            if not ignore_unknown:
                self._refuse_unknown(number, row, refusals)
            cells: list[float] = []
            for column in self._columns:
                value = row.get(column.column.name, MISSING)
                cells += column.encode_or_note(value, number, refusals)
            matrix[number] = cells
        refusals.raise_if_any()
        return matrix

    def encode_columns(self, columns: Mapping[str, Any], ignore_unknown: bool = False) -> Matrix:
        """Columns of equal length, as lists or arrays; raises Invalid with every bad field."""
        refusals = Refusals()
        if not ignore_unknown:
            self._refuse_unknown(0, columns, refusals)
        rows = max((len(values) for values in columns.values()), default=0)
        matrix = np.empty((rows, self._width), dtype=np.float32)
        for column in self._columns:
            name = column.column.name
            values = columns.get(name)
            if values is None:
                values = [MISSING] * rows
            if len(values) != rows:
                length, allowed = (
                    f"{len(values)} values",
                    f"{rows} values, as in the longest column",
                )
                refusals.add(0, name, length, allowed, "missing")
                continue
            matrix[:, column.place] = column.encode_vector(values, refusals)
        refusals.raise_if_any()
        return matrix

    def _refuse_unknown(self, number: int, row: Mapping[str, Any], refusals: Refusals) -> None:
        for name in row:
            if name not in self._known:
                allowed = "only the columns " + name_few(self._names, str)
                refusals.add(number, str(name), row[name], allowed, "unknown", counted_as="")
