"""Specs: what is refused, and how it is said."""

import copy
from pathlib import Path
from typing import Any

import pytest

from training.common.errors import SpecError
from training.spec import load

GOOD: dict[str, Any] = {
    "name": "plants",
    "task": "classification",
    "data": {"source": "plants.csv", "target": "grade"},
    "columns": {"light": {"type": "number", "minimum": 0, "maximum": 10}},
    "search": {"candidates": ["linear"]},
}
RECIPE: dict[str, Any] = {
    "name": "plants",
    "task": "optimization",
    "columns": {"price": {"type": "number", "minimum": 0, "maximum": 1}},
    "search": {"candidates": ["linear"]},
    "objective": {"model": "yield", "value": 1.0},
    "recipe": {"light": {"minimum": 0, "maximum": 10, "times": ["price"]}},
}


def changed(path: str, value: Any, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """A raw spec, the good one unless said, in which the key at `path` is `value`."""
    raw = copy.deepcopy(base or GOOD)
    table = raw
    *sections, last = path.split("/")
    for section in sections:
        table = table.setdefault(section, {})
    table[last] = value
    return raw


def refusals(raw: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as refused:
        load.parse(raw, "plants.toml", "plants")
    return str(refused.value)


BAD = [
    ("tsk", 1, "tsk: unknown key; allowed: name, task"),
    ("name", "Plants!", "name: given 'Plants!'; allowed: a text matching"),
    ("name", "others", "name: given 'others'; allowed: 'plants', as the file is called"),
    (
        "task",
        "regresion",
        "task: given 'regresion'; allowed: one of 'classification', 'regression'",
    ),
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
    ("data", 5, "data: given 5; allowed: a table"),
    ("data/source", None, "data.source: given None; allowed: a text"),
    ("data/target", "light", "data.target: given 'light', which is an input too"),
    ("data/holdout", 1.5, "data.holdout: given 1.5; allowed: a number above 0 and below 1"),
    ("data/split", "time", "data.time: missing; split = 'time' needs the column"),
    ("data/source", "postgresql://db/farm", "data.query: needed by an SQL source"),
    (
        "data/query",
        "select 1",
        "data.query: needed by an SQL source ('://' in data.source), and only by one",
    ),
    ("data/separator", "::", "data.separator: given '::'; allowed: one sign"),
    ("data/separator", 5, "data.separator: given 5; allowed: a text"),
    ("data/decimal", ";", "data.decimal: given ';'; allowed: '.' or ','"),
    ("data/thousands", ".", "data.thousands: given '.'; with decimal = '.' allowed: '', ','"),
    ("data/encoding", "utf-99", "data.encoding: given 'utf-99'; allowed: what Python knows"),
    ("data/quote", "''", "data.quote: given \"''\"; allowed: one sign such as"),
    ("data/missing", "NA", "data.missing: given 'NA'; allowed: a list, each item a text"),
    ("data/missing", ["a\nb"], "allowed: texts without the end of a line"),
    (
        "data",
        {"source": "rows.parquet", "target": "grade", "separator": ";"},
        "data.separator: given for rows.parquet; allowed: only for CSV files",
    ),
    (
        "search/candidates",
        ["foo"],
        "search.candidates: given 'foo'; allowed: 'linear'",
    ),
    (
        "search/candidates",
        ["histogram-gradient-boosting"],
        "given 'histogram-gradient-boosting'; write 'gradient-boosting' instead; allowed: 'linear'",
    ),
    ("search/budget", 0, "search.budget: given 0; allowed: a whole number"),
    ("search/budget_seconds", 0, "search.budget_seconds: given 0; allowed: a whole number"),
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
    (
        "search/scoring",
        "r2",
        "search.scoring: given 'r2'; allowed for classification: f1, accuracy",
    ),
    (
        "gates/metrics",
        {"mae": {"max": 1}},
        "gates.metrics: given 'mae'; allowed for classification: f1",
    ),
    (
        "gates/beat",
        ["linar"],
        "gates.beat: given ['linar']; allowed: a list, each item one of 'baseline', 'linear'",
    ),
    (
        "search/scoring",
        "ece",
        "search.scoring: given 'ece'; allowed for classification: f1, accuracy",
    ),
    ("gates/metrics", {"f1": {}}, "gates.metrics.f1: given nothing; allowed: min, max or both"),
    ("gates/latency_ms", -1, "gates.latency_ms: given -1; allowed: a number above 0"),
    ("gates/slices", {"f1": {"min": 0.5}}, "slices.columns: missing"),
    ("slices/columns", ["place"], "slices.columns: given 'place'; allowed: light"),
    (
        "checks/leakage",
        "fatal",
        "checks.leakage: given 'fatal'; allowed: one of 'error', 'warning', 'off'",
    ),
    ("objective", {"model": "m", "value": 1.0}, "objective, recipe: given for classification"),
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


def test_parts_of_times_have_no_name_of_another_column() -> None:
    columns = {
        "at": {"type": "timestamp", "encode": ["hour", "weekday"]},
        "at hour": {"type": "number"},
    }
    assert "columns: 'at hour' is the name of a column, and of a part" in refusals(
        changed("columns", columns)
    )


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_bad_key_is_refused_with_what_is_allowed(path: str, value: Any, message: str) -> None:
    assert message in refusals(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("objective/model", 5, "objective.model: given 5; allowed: a text"),
        ("recipe", {}, "objective, recipe: missing; an optimization needs both"),
        ("recipe/light/times", ["moon"], "recipe.light.times: given 'moon'; allowed: price"),
        ("recipe/light/minimum", 10, "recipe.light.minimum: given 10.0; allowed: below 10.0"),
        ("recipe/price", {"minimum": 0, "maximum": 1}, "recipe.price: is an input too"),
        ("data", {"source": "x.csv", "target": "y"}, "data: given; an optimization makes its own"),
        (
            "gates/metrics",
            {"r2": {"min": 0.5}},
            "gates.metrics: given 'r2'; allowed for optimization: regret",
        ),
    ],
)
def test_a_bad_recipe_is_refused_with_what_is_allowed(path: str, value: Any, message: str) -> None:
    assert message in refusals(changed(path, value, RECIPE))


def test_all_problems_come_at_once_each_with_the_file() -> None:
    raw = changed("columns/light/type", "numbr") | {"task": "guessing", "extra": 1}
    lines = refusals(raw).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("plants.toml: ") for line in lines)


def test_a_wrong_name_and_wrong_gates_are_told_together_with_all_else() -> None:
    raw = changed("gates/metrics", {"acuracy": {"min": 0.8}, "f1": {}})
    raw |= {"name": "My Model", "limts": "none", "slices": {"columns": ["hue"]}}
    raw["columns"]["when"] = {"type": "time", "categories": ["a"]}
    text = refusals(raw)
    assert [line.split(": ")[1] for line in text.splitlines()] == [
        "limts", "name", "columns.when.type", "gates.metrics", "gates.metrics.f1", "slices.columns"
    ]  # fmt: skip


def test_stratified_and_classes_belong_to_classification() -> None:
    raw = changed("task", "regression") | {"target": {"classes": ["A"]}}
    raw["data"]["split"] = "stratified"
    said = refusals(raw)
    assert "data.split: given 'stratified' for regression; allowed: 'random' or 'time'" in said
    assert "target.classes: given for regression" in said


def test_a_group_of_columns_stands_for_each_of_its_names() -> None:
    raw = changed("columns/sizes", {"type": "integer", "names": ["width", "height"]})
    inputs = load.parse(raw, "plants.toml", "plants").inputs
    assert [(column.name, column.type) for column in inputs] == [
        ("light", "number"),
        ("width", "integer"),
        ("height", "integer"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML"),
        ("näme".encode("latin-1"), "is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_spec_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "plants.toml").write_bytes(content)
    with pytest.raises(SpecError, match=message) as refused:
        load.find(str(tmp_path / "plants.toml"))
    assert str(tmp_path / "plants.toml") in str(refused.value)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        SpecError, match="known models: quality-classification, recipe-optimization"
    ):
        load.find("nothing")


@pytest.mark.parametrize("name", load.names())
def test_the_shipped_specs_are_sound(name: str) -> None:
    assert load.find(name).name == name
