"""Small data and small models that the tests of training share."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.training.house import House, rows_of
from training.common.provenance import Lineage
from training.data import dataset, sources
from training.fit import compile, recipes, search
from training.judge import evaluation, gate, rivals
from training.judge.result import Facts
from training.metrics.tasks import Scored, measure, measure_with_intervals
from training.spec.values import Spec, parse

SpecOf = Callable[..., Spec]
FactsOf = Callable[..., Facts]

_RAW: dict[str, Any] = {
    "name": "plants",
    "task": "regression",
    "description": "Predicts what a plant weighs.",
    "owner": "The growers",
    "limits": "Only for plants.",
    "data": {"source": "plants.csv", "target": "weight", "time": "day", "split": "time"},
    "target": {"unit": "kg"},
    "columns": {
        "kind": {"type": "category", "categories": ["herb", "tree"], "description": "What it is."},
        "light": {"type": "number", "minimum": 0, "maximum": 10, "unit": "mol", "example": 4.5},
        "leaves": {"type": "integer", "minimum": 0, "nullable": True},
        "watered": {"type": "boolean"},
    },
    "checks": {"unique": ["id"], "minimum_rows": 50},
    "search": {"candidates": ["linear"], "budget": 1, "folds": 2},
    "slices": {"columns": ["kind"], "minimum_rows": 5},
    "gates": {"metrics": {"r2": {"min": 0.5}}, "latency_ms": 1000.0},
}
_CLASSES: dict[str, Any] = {
    "task": "classification",
    "data": {"source": "plants.csv", "target": "grade", "split": "stratified"},
    "target": {"classes": ["A", "B"]},
    "gates": {"metrics": {"accuracy": {"min": 0.5}}},
}
_RECIPE: dict[str, Any] = {
    "name": "plant-recipe",
    "task": "optimization",
    "description": "Proposes how to grow.",
    "columns": {"kind": _RAW["columns"]["kind"], "price": {"type": "number", "minimum": 0}},
    "objective": {"model": "plants", "value": 2.0},
    "recipe": {"light": {"minimum": 0, "maximum": 10, "unit": "mol"}},
    "search": _RAW["search"],
    "gates": {"metrics": {"regret": {"max": 0.5}}},
}


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        inside = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if inside else copy.deepcopy(value)
    return merged


@pytest.fixture(scope="session")
def spec_of() -> SpecOf:
    """The spec of `plants`, with sections changed."""
    return lambda **changes: parse(_merged(_RAW, changes), "plants.toml", "plants")


@pytest.fixture(scope="session")
def classes_of() -> SpecOf:
    """The same as a classification."""
    raw = {**_RAW, **_CLASSES}
    return lambda **changes: parse(_merged(raw, changes), "plants.toml", "plants")


@pytest.fixture
def frame() -> pd.DataFrame:
    return plants()


def plants(rows: int = 300) -> pd.DataFrame:
    """Rows that keep the contract; weight follows light, with noise."""
    random = np.random.default_rng(3)
    light = random.uniform(0, 10, rows).round(4)
    kind = np.where(random.random(rows) < 0.5, "herb", "tree")
    weight = light * np.where(kind == "herb", 1.0, 2.0) + random.normal(0, 2, rows)
    return pd.DataFrame(
        {
            "kind": kind,
            "light": light,
            "leaves": random.integers(0, 50, rows).astype(float),
            "watered": random.random(rows) < 0.5,
            "day": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(rows), "D"),
            "id": np.arange(rows),
            "weight": weight,
            "grade": np.where(weight + random.normal(0, 3, rows) > 7, "A", "B"),
        }
    )


LINEAGE = Lineage("c0ffee" * 6, True, "10c4" * 16, "c0de" * 16, "a machine")


def _facts(spec: Spec, made: dataset.Dataset, folder: Path) -> Facts:
    """Everything that a training knows."""
    searched = search.search(spec, made.contract, *made.train)
    chosen = searched.ranking[0]
    held_out, rows = made.matrix[made.split.held_out], np.arange(len(made.split.held_out))
    compiled = compile.compile_pipeline(chosen.pipeline, held_out, folder)
    if made.score is not None and spec.task != "optimization":
        found = evaluation.evaluate(
            spec, made.contract, held_out, compiled.engine.predict, made.score
        )
        found = found._replace(rivals=rivals.rivals(spec, made, searched, chosen, None))
    else:
        best = np.column_stack([10.0 + rows, np.ones(len(rows))])
        scored = Scored(best, np.column_stack([9.5 + rows, np.full(len(rows), 3.0)]))
        metrics = measure_with_intervals("optimization", scored)
        average = Scored(best, np.column_stack([5.0 + rows, np.full(len(rows), 3.0)]))
        simplest = evaluation.Rival("mean", measure("optimization", average))
        found = evaluation.Evaluation(len(rows), metrics, (), (), scored, (simplest,))
    verdict = gate.judge(spec, found, compiled)
    return Facts(
        spec, made, searched, chosen, compiled, found, verdict, LINEAGE, "key", "2026-01-01"
    )


@pytest.fixture(scope="session")
def facts_of(tmp_path_factory: pytest.TempPathFactory) -> FactsOf:
    """Facts of a spec on `plants`, trained for real."""

    def make(spec: Spec, rows: pd.DataFrame | None = None) -> Facts:
        given = plants() if rows is None else rows
        given = given[sources.wanted(spec)]
        found = dataset.require(*dataset.check(spec, given, sources.fingerprint(given)))
        return _facts(spec, found, tmp_path_factory.mktemp("compiled"))

    return make


@pytest.fixture(scope="session")
def regression(spec_of: SpecOf, facts_of: FactsOf) -> Facts:
    return facts_of(spec_of())


@pytest.fixture(scope="session")
def classification(classes_of: SpecOf, facts_of: FactsOf) -> Facts:
    return facts_of(classes_of())


@pytest.fixture(scope="session")
def optimization(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    spec = parse(_RECIPE, "plant-recipe.toml", "plant-recipe")
    random = np.random.default_rng(5)
    rows = plants(80)[["kind"]].assign(price=random.uniform(0, 1, 80))
    optima = {recipes.OPTIMUM + "light": random.uniform(0, 10, 80)}
    contexts = rows.assign(**optima, profit=random.uniform(5, 9, 80), converged=True)
    made = recipes.make(spec, contexts, "f" * 64)
    return _facts(spec, made, tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Every test here uses a model name of its own."""
    return House(tmp_path_factory.mktemp("command-line"))


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("wine") / "wine.csv"
    rows_of("wine").to_csv(path, index=False)
    return str(path)
