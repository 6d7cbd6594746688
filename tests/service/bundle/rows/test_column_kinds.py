"""Times of several parts, cyclic ones, and categories that take others: how they are encoded, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from service.bundle.contract import Column, Contract, Invalid, Output
from service.bundle.rows.encoder import Encoder

SOLD = Column(
    "sold", "timestamp", encode=("hour", "cyclic-weekday", "month", "days"), nullable=True
)
SHOP = Column("shop", "category", categories=("north", "south"), unknown="other")
SALES = Contract(
    "sales", "regression", (Column("price", "number"), SOLD, SHOP), (Output("pieces"),)
)
#: A Wednesday, the third day of a week that starts with 0.
ROW = {"price": 2.5, "sold": "2026-03-04T18:30:00Z", "shop": "south"}
ANGLE = 2 * np.pi * 2 / 7
CELLS = [2.5, 18.5, np.sin(ANGLE), np.cos(ANGLE), 3.0, 9559 + 18.5 / 24, 1.0]


def encoded(encoder: Encoder, way: str, rows: list[dict[str, Any]]) -> Any:
    if way == "rows":
        return encoder.encode_rows(rows)
    if way == "columns":
        return encoder.encode_columns({name: [row[name] for row in rows] for name in rows[0]})
    return encoder.encode_structs(
        msgspec.json.decode(msgspec.json.encode(rows), type=list[encoder.row_type])  # type: ignore[name-defined]
    )


@pytest.mark.parametrize("way", ["structs", "rows", "columns"])
@pytest.mark.parametrize("count", [1, 20])
def test_a_time_is_all_of_its_parts_and_what_is_no_category_is_other(way: str, count: int) -> None:
    strange, empty = ROW | {"shop": "abroad"}, ROW | {"sold": None}
    matrix = encoded(Encoder(SALES), way, [ROW, strange, empty] * count)
    np.testing.assert_allclose(matrix[0], CELLS, rtol=1e-6)
    np.testing.assert_allclose(matrix[1], [*CELLS[:-1], 2.0], rtol=1e-6)
    assert np.isnan(matrix[2, 1:6]).all() and matrix[2, 6] == 1.0


def test_features_have_names_and_each_column_its_places() -> None:
    assert [feature.name for feature in SALES.features] == [
        "price",
        "sold hour",
        "sold cyclic-weekday sine",
        "sold cyclic-weekday cosine",
        "sold month",
        "sold days",
        "shop",
    ]
    assert (SALES.positions("sold"), SALES.positions("shop")) == ((1, 2, 3, 4, 5), (6,))


@pytest.mark.parametrize("time", ["hour", "weekday", "month", "day-of-year"])
def test_a_cyclic_part_can_be_read_as_what_it_was_made_of(time: Any) -> None:
    column = Column("at", "timestamp", encode=(f"cyclic-{time}", time))  # type: ignore[arg-type]
    contract = Contract("m", "regression", (column,), (Output("y"),))
    moments = np.arange("2024-01-01", "2025-01-02", 47, dtype="M8[m]")
    matrix = Encoder(contract).encode_columns({"at": moments})
    cyclic, plain = contract.parts
    np.testing.assert_allclose(cyclic.values(matrix), plain.values(matrix), atol=1e-4)


def test_a_contract_from_before_there_were_several_parts_is_read() -> None:
    text = b'{"name": "at", "type": "timestamp", "encode": "hour"}'
    column = msgspec.json.decode(text, type=Column)
    assert column.time_parts == ("hour",) and msgspec.json.encode(column) == text.replace(b" ", b"")


def test_a_number_is_no_other_category() -> None:
    for row in (ROW | {"shop": 7}, ROW | {"shop": None}):
        with pytest.raises(Invalid) as refused:
            Encoder(SALES).encode_rows([row])
        assert [(error.column, error.allowed) for error in refused.value.errors] == [
            ("shop", "a text")
        ]


def test_of_thousands_of_categories_a_refusal_names_the_nearest() -> None:
    names = tuple(f"shop {number:04}" for number in range(2_000))
    column = Column("shop", "category", categories=names)
    encoder = Encoder(Contract("m", "regression", (column,), (Output("y"),)))
    with pytest.raises(Invalid) as refused:
        encoder.encode_rows([{"shop": "Shop 0123x"}, {"shop": "§"}, {"shop": 3}])
    allowed = [error.allowed for error in refused.value.errors]
    assert allowed[0].startswith("one of 2,000 categories; the nearest are 'shop 0123', ")
    assert allowed[1:] == ["one of 2,000 categories; none is near", "one of 2,000 categories"]
    assert max(map(len, allowed)) < 100
