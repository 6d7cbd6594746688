"""Forests as ONNX: the same answers, of classes and of numbers, and no class that a leaf has no row of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from skl2onnx import to_onnx
from skl2onnx.common.exceptions import MissingConverter
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline

from training.fit.compile.compile import compile_pipeline
from training.fit.trees.forests_onnx import register_forests

register_forests()


def table() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    random = np.random.default_rng(4)
    matrix = random.normal(size=(900, 4)).astype(np.float32)
    return matrix, matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + random.normal(0, 0.1, 900)


def compiled_on_half(model: Any, target: NDArray[Any], folder: Path) -> Any:
    matrix, _ = table()
    pipeline = Pipeline([("model", model)]).fit(matrix[::2], target[::2])
    compiled = compile_pipeline(pipeline, matrix, folder)
    assert compiled.engine_name == "onnx", compiled.fallback
    return compiled


@pytest.mark.parametrize("kind", [ExtraTreesClassifier, RandomForestClassifier])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_a_forest_of_classes_compiles(tmp_path: Path, kind: Any, classes: int) -> None:
    target = np.digitize(table()[1], np.quantile(table()[1], np.arange(1, classes) / classes))
    compiled_on_half(kind(20, random_state=1), target, tmp_path / "model")
    balanced = kind(20, min_samples_leaf=5, class_weight="balanced", random_state=1)
    compiled_on_half(balanced, target, tmp_path / "model")


@pytest.mark.parametrize("kind", [ExtraTreesRegressor, RandomForestRegressor])
def test_a_forest_of_numbers_compiles(tmp_path: Path, kind: Any) -> None:
    target = table()[1]
    compiled_on_half(kind(20, random_state=1), target, tmp_path / "model")
    several = np.column_stack([target, -target, target**2])
    compiled_on_half(kind(20, random_state=1), several, tmp_path / "model")


def test_a_leaf_of_many_classes_has_its_own_alone(tmp_path: Path) -> None:
    """Else a forest of thirty classes would be ten times the size of one of three."""
    target = table()[1]
    sizes = [
        compiled_on_half(
            ExtraTreesClassifier(20, random_state=1),
            np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)),
            tmp_path / "model",
        ).size_mb
        for classes in (3, 30)
    ]
    assert sizes[1] < 3 * sizes[0]


def test_what_else_a_process_converts_comes_out_or_is_refused() -> None:
    """Forests of named classes, and of several classes at once: no spec has either."""
    matrix, target = table()
    grades = np.where(target > 0, "good", "bad")
    named = ExtraTreesClassifier(5, random_state=1).fit(matrix, grades)
    model = to_onnx(named, matrix[:1], options={id(named): {"zipmap": False}})
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, _ = session.run(None, {session.get_inputs()[0].name: matrix})
    assert labels.tolist() == named.predict(matrix).tolist()
    several = np.column_stack([target > 0, target > 1]).astype(np.int64)
    pair = RandomForestClassifier(5, random_state=1).fit(matrix, several)
    with pytest.raises(MissingConverter, match="several classes at once"):
        to_onnx(pair, matrix[:1])
