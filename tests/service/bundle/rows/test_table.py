"""A table encoded column by column is what the service makes of each of its rows, and refuses the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.cells import read_column
from service.bundle.column import TIME_PARTS
from service.bundle.contract import Column, Contract, Invalid, Output
from service.bundle.rows.encoder import Encoder
from service.bundle.rows.table import encode_table

#: Texts that are no number, no truth, no time and no category, to the service and in a table.
JUNK = ["warm", "", "1_0", "nan", "inf", "٣", "0x1", "1e999", "2026-13-01", "NaT", "yes"]
TIMES = [
    *("2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+02:00", "1999-12-31T23:59:59.999999"),
    *("0001-01-01", "9999-12-31T23:59:59", "20260131", "2026-W05-6"),
]  # fmt: skip


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind = draw(st.sampled_from(["number", "integer", "category", "boolean", "timestamp"]))
    nullable = draw(st.booleans())
    if kind in ("number", "integer"):
        low, high = sorted(draw(st.tuples(*[st.integers(-(10**6), 10**6)] * 2)))
        return Column(
            name,
            kind,
            minimum=draw(st.sampled_from([None, float(low)])),
            maximum=draw(st.sampled_from([None, float(high)])),
            nullable=nullable,
        )
    if kind == "category":
        names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True))
        unknown = draw(st.sampled_from(["refuse", "other"]))
        return Column(name, kind, categories=tuple(names), nullable=nullable, unknown=unknown)
    if kind == "timestamp":
        parts = draw(st.lists(st.sampled_from(TIME_PARTS), min_size=1, max_size=3, unique=True))
        encode = parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)
        return Column(name, kind, nullable=nullable, encode=encode)
    return Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


def values_of(column: Column) -> list[st.SearchStrategy[Any]]:
    """What one column of a table may hold: of one type, or nothing at all."""
    numbers = [
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-(2**20), 2**20),
        st.floats(allow_nan=False, width=64),
        st.floats(-1e6, 1e6).map(round).map(float),
    ]
    texts = {
        "category": st.sampled_from([*column.categories, *JUNK]),
        "timestamp": st.sampled_from([*TIMES, *JUNK]),
    }
    own: dict[str, list[st.SearchStrategy[Any]]] = {
        "number": [*numbers, st.booleans()],
        "integer": [*numbers, st.booleans()],
        "boolean": [st.booleans()],
        "timestamp": [st.datetimes(), st.dates(), numbers[1]],
    }
    return [*own.get(column.type, []), texts.get(column.type, st.sampled_from(JUNK)), st.none()]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Contract, list[dict[str, Any]]]:
    names = [f"c{number}" for number in range(draw(st.integers(1, 4)))]
    contract = Contract(
        "m", "regression", tuple(draw(columns(name)) for name in names), (Output("y"),)
    )
    count = draw(st.integers(0, 12))
    table = {}
    for column in contract.columns:
        kind = draw(st.sampled_from(values_of(column)))
        table[column.name] = draw(st.lists(kind | st.none(), min_size=count, max_size=count))
    return contract, [{name: table[name][row] for name in names} for row in range(count)]


def one_by_one(contract: Contract, rows: list[dict[str, Any]]) -> tuple[dict[int, Any], list[Any]]:
    """What the service makes of each row alone: its matrix, or what it refuses."""
    encoder, matrix, refused = Encoder(contract), {}, []
    for number, row in enumerate(rows):
        try:
            matrix[number] = encoder.encode_rows([row])[0]
        except Invalid as error:
            refused += [(number, one.column, one.given, one.allowed) for one in error.errors]
    return matrix, refused


@settings(max_examples=300, deadline=None)
@given(tables())
def test_a_table_gives_what_its_rows_give_the_service(
    drawn: tuple[Contract, list[dict[str, Any]]],
) -> None:
    contract, rows = drawn
    matrix, refused = one_by_one(contract, rows)
    batch = pa.table({name: pa.array([row[name] for row in rows]) for name in contract.names})
    read = {
        column.name: read_column(column, batch.column(column.name)) for column in contract.columns
    }
    encoded = encode_table(contract, read, len(rows))
    assert [
        (one.row, one.column.name, one.given, one.column.allowed_beside(one.given))
        for one in encoded.refusals
    ] == refused
    assert np.flatnonzero(encoded.sound).tolist() == sorted(matrix)
    for number, expected in matrix.items():
        np.testing.assert_array_equal(encoded.matrix[number], expected)


def test_a_column_that_is_not_there_is_null() -> None:
    contract = Contract(
        "m",
        "regression",
        (Column("a", "number", nullable=True), Column("b", "number")),
        (Output("y"),),
    )
    encoded = encode_table(contract, {}, 2)
    assert np.isnan(encoded.matrix[:, 0]).all() and not encoded.sound.any()
    assert [(one.row, one.column.name, one.reason) for one in encoded.refusals] == [
        (0, "b", "missing"),
        (1, "b", "missing"),
    ]
