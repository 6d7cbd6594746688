"""Categories before an estimator: rare ones are what a model knows of others, and thousands take no matrix each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from service.bundle.contract import Column, Contract, Matrix, Output
from training.fit.compile.compile import compile_pipeline
from training.fit.preprocessing import preprocessing

Rows = tuple[Matrix, Any]
CLASSES = ("no", "yes")


def contract(count: int, rare: int = 20, classes: tuple[str, ...] = ()) -> Contract:
    names = tuple(f"c{code}" for code in range(count))
    column = Column("shop", "category", categories=names, unknown="other", rare=rare)
    task: Any = "classification" if classes else "regression"
    columns = (column, Column("price", "number"))
    return Contract("sales", task, columns, (Output("pieces"),), classes)


def rows(counts: list[int], means: list[float]) -> Rows:
    """So many rows of each category, with this mean of the target."""
    random = np.random.default_rng(1)
    codes = np.repeat(np.arange(len(counts)), counts)
    matrix = np.column_stack([codes, random.normal(size=len(codes))]).astype(np.float32)
    return matrix, np.repeat(means, counts) + random.normal(scale=0.1, size=len(codes))


def fitted(of: Contract, matrix: Matrix, target: Any) -> Pipeline:
    model = LogisticRegression() if of.classes else Ridge(alpha=1e-3)
    prepare = preprocessing(of, True, matrix, 1)
    return Pipeline([("features", prepare), ("model", model)]).fit(matrix, target)


def answers(pipeline: Pipeline, *codes: float) -> list[float]:
    return [float(pipeline.predict(np.array([[code, 0.0]], np.float32))[0]) for code in codes]


def test_a_model_learns_from_rare_categories_what_others_are() -> None:
    # The last two are rare, and unlike the common ones.
    matrix, target = rows([500, 500, 15, 15], [0.0, 1.0, 8.0, 10.0])
    first, rare, other_rare, other = answers(fitted(contract(4), matrix, target), 0, 2, 3, 4)
    assert rare == other_rare == other == pytest.approx(9.0, abs=0.3)
    assert first == pytest.approx(0.0, abs=0.3)


def test_rare_says_from_how_many_rows_on_a_category_is_told_apart() -> None:
    matrix, target = rows([500, 500, 15, 15], [0.0, 1.0, 8.0, 10.0])
    rare, other_rare = answers(fitted(contract(4, rare=10), matrix, target), 2, 3)
    assert (rare, other_rare) == (pytest.approx(8.0, abs=0.3), pytest.approx(10.0, abs=0.3))


@pytest.mark.parametrize("classes", [(), CLASSES, ("a", "b", "c")])
def test_thousands_of_categories_are_few_features_and_compile(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    counts = [40] * 100 + [3] * 900
    matrix, target = rows(counts, [code % 10 for code in range(1_000)])
    if classes:
        target = np.digitize(target, np.quantile(target, [1 / 3, 2 / 3][: len(classes) - 1]))
    of = contract(1_000, classes=classes)
    pipeline = fitted(of, matrix, target)
    assert pipeline["features"].transform(matrix[:5]).shape[1] <= 65
    strange = np.array([[1_000, 0.0], [999, 0.0], [0, 1.0]], np.float32)
    compiled = compile_pipeline(pipeline, np.vstack([matrix[::9], strange]), tmp_path / "model")
    assert compiled.engine_name == "onnx", compiled.fallback
