"""Small data and small models of made-up plants, trained for real."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from service.bundle.rows.encoder import Encoder
from training.common.provenance import Provenance
from training.data import dataset, sources
from training.data.dataset import Dataset
from training.fit import recipes
from training.fit.fit import fit
from training.judge.evaluation import evaluate
from training.judge.gate import judge
from training.judge.result import TrainingResult
from training.spec.load import parse
from training.spec.values import Spec

SpecOf = Callable[..., Spec]
ResultOf = Callable[..., TrainingResult]

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
    "columns": {
        "kind": _RAW["columns"]["kind"],
        "price": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "objective": {
        "model": "plants",
        "value": 2.0,
        "contexts": 80,
        "generations": 10,
    },
    "recipe": {"light": {"minimum": 0, "maximum": 10, "unit": "mol"}},
    "search": _RAW["search"],
    "gates": {"metrics": {"regret": {"max": 0.5}}},
}


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
            continue
        inside = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if inside else copy.deepcopy(value)
    return merged


def plant_spec(**changes: Any) -> Spec:
    """The spec of `plants`, with sections changed, or left out where they are None."""
    return parse(_merged(_RAW, changes), "plants.toml", "plants")


def class_spec(**changes: Any) -> Spec:
    """The same as a classification."""
    return parse(_merged({**_RAW, **_CLASSES}, changes), "plants.toml", "plants")


def recipe_spec(**changes: Any) -> Spec:
    """How to grow them."""
    return parse(_merged(_RECIPE, changes), "plant-recipe.toml", "plant-recipe")


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


BEST_LIGHT = 6.0


class Peak:  # pylint: disable=too-few-public-methods
    """An engine whose answer is known: most at `BEST_LIGHT`, twice as much for a tree."""

    def predict(self, matrix: Any) -> Answer:
        bell = 10 - (matrix[:, 1] - BEST_LIGHT) ** 2 / 4
        return Answer((bell * (1 + matrix[:, 0]))[:, np.newaxis])


def objective() -> Bundle:
    """The model that a recipe searches, with that engine."""
    contract = plant_spec().contract()
    nothing: Any = None
    return Bundle(Path("."), nothing, contract, nothing, Encoder(contract), Peak())


def dataset_of(spec: Spec, rows: pd.DataFrame | None = None) -> Dataset:
    frame = (plants() if rows is None else rows)[sources.wanted(spec)]
    return dataset.require_valid(*dataset.validate(spec, frame, sources.fingerprint(frame)))


def profit_of(spec: Spec) -> recipes.Profit:
    """What the recipes of a spec bring by that engine."""
    rows = dataset_of(plant_spec())
    typical = recipes.typical_row(rows.contract, rows.matrix)
    return recipes.Profit(spec, objective(), typical)


def optima_of(spec: Spec) -> Dataset:
    """The contexts of a recipe with their optima."""
    profit, contexts = profit_of(spec), recipes.sample_contexts(spec, plants())
    return recipes.make_dataset(spec, recipes.search_optima(spec, profit, contexts), "f", profit)


ORIGIN = Provenance("c0ffee" * 6, True, "10c4" * 16, "c0de" * 16, "a machine")


def result_of(spec: Spec, rows: Dataset, build: Path) -> TrainingResult:
    """Everything that a training knows, as the story of a training comes to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWARMLINE_BUILD", str(build))
        fitted = fit(spec, rows)
    rows = rows.deciding_by(fitted.finished.threshold)
    evaluation = evaluate(spec, rows, fitted)
    verdict = judge(spec, evaluation, fitted.compiled)
    return TrainingResult(
        spec, rows, fitted, evaluation, verdict, ORIGIN, "key", "2026-01-01T00:00:00+00:00"
    )
