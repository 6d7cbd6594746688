"""Specs: what is refused, and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_specs import RECIPE, changed, refusals
from training.common.errors import SpecError
from training.spec import load

BAD = [
    ("tsk", 1, "tsk: unknown key; allowed: name, task"),
    ("name", "Plants!", "name: given 'Plants!'; allowed: a text matching"),
    ("name", "others", "name: given 'others'; allowed: 'plants', as the file is called"),
    (
        "task",
        "regresion",
        "task: given 'regresion'; allowed: one of 'classification', 'regression'",
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
]


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
