"""`[columns]`: keys of a column that contradict each other, and columns that share a name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.raw_specs import changed, refusals
from training.spec import load

BAD = [
    ("columns", {}, "columns: given none; allowed: at least one"),
    ("columns/light", 5, "columns.light: given 5; allowed: a table"),
    ("columns/light/type", "float", "columns.light.type: given 'float'; allowed: one of 'number'"),
    (
        "columns/light/minimum",
        11,
        "columns.light.minimum: given 11.0; allowed: at most the maximum, 10.0",
    ),
    (
        "columns/light/example",
        99,
        "columns.light.example: given 99; allowed: a finite number from 0 to 10",
    ),
    ("columns/light/categories", ["a"], "columns.light.categories: given for a number"),
    (
        "columns/light/encode",
        "hour",
        "columns.light.encode: given for a number; allowed: only for type 'timestamp'",
    ),
    ("columns/crop", {"type": "category"}, "columns.crop.categories: missing"),
    (
        "columns/crop",
        {"type": "category", "categories": ["a", "a"]},
        "a category stands more than once",
    ),
    (
        "columns/crop",
        {"type": "category", "categories": ["a"], "minimum": 1},
        "given for a category",
    ),
    (
        "columns/more",
        {"type": "number", "names": ["light"]},
        "columns: 'light' stands more than once",
    ),
    (
        "columns/light/monotone",
        "up",
        "columns.light.monotone: given 'up'; allowed: one of 'increasing', 'decreasing'",
    ),
    (
        "columns/light/monotone",
        "increasing",
        "search.candidates: given linear, which heed no columns.light.monotone; allowed with it: 'gradient-boosting'",
    ),
    (
        "columns/crop",
        {"type": "category", "categories": ["a"], "monotone": "increasing"},
        "columns.crop.monotone: given for a category; allowed: for number, integer",
    ),
    ("columns/at", {"type": "timestamp", "encode": []}, "columns.at.encode: given []"),
    (
        "columns/at",
        {"type": "timestamp", "encode": ["hour", "minute"]},
        "columns.at.encode: given ['hour', 'minute']; allowed: one of 'days', 'hour', 'weekday', 'month'",
    ),
    (
        "columns/at",
        {"type": "timestamp", "encode": ["hour", "hour"]},
        "columns.at.encode: given 'hour' more than once; allowed: each part of a time once",
    ),
    (
        "columns/light/encode",
        ["hour"],
        "columns.light.encode: given for a number; allowed: only for type 'timestamp'",
    ),
    (
        "columns/light/unknown",
        "other",
        "columns.light.unknown: given 'other' for a number; allowed: only for type 'category'",
    ),
    (
        "columns/at",
        {"type": "timestamp", "encode": ["hour", "days"], "monotone": "increasing"},
        "columns.at.monotone: given for a time that is hour, days; allowed: for one part",
    ),
    (
        "columns/at",
        {"type": "timestamp", "encode": "cyclic-hour", "monotone": "increasing"},
        "columns.at.monotone: given for a time that is cyclic-hour; allowed: for one part",
    ),
    ("columns/light/rare", 5, "columns.light.rare: given 5, which says nothing without unknown"),
    ("columns/light/rare", 0, "columns.light.rare: given 0; allowed: a whole number above 0"),
    (
        "columns/shop",
        {"type": "category", "categories": ["(other)", "b"], "unknown": "other"},
        "columns.shop.categories: given '(other)'; allowed: any name but this",
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_bad_column_is_refused_with_what_is_allowed(path: str, value: Any, message: str) -> None:
    assert message in refusals(changed(path, value))


def test_parts_of_times_have_no_name_of_another_column() -> None:
    columns = {
        "at": {"type": "timestamp", "encode": ["hour", "weekday"]},
        "at hour": {"type": "number"},
    }
    assert "columns: 'at hour' is the name of a column, and of a part" in refusals(
        changed("columns", columns)
    )


def test_a_group_of_columns_stands_for_each_of_its_names() -> None:
    raw = changed("columns/sizes", {"type": "integer", "names": ["width", "height"]})
    inputs = load.parse(raw, "plants.toml", "plants").inputs
    assert [(column.name, column.type) for column in inputs] == [
        ("light", "number"),
        ("width", "integer"),
        ("height", "integer"),
    ]
