"""LightGBM as a candidate: categories, missing values, directions, when it stops, its thresholds as float32."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from tests.support.plants import SpecOf, plants
from training.data.dataset import encode_and_split
from training.fit.candidates.pipeline import make_pipeline
from training.fit.compile.compile import compile_pipeline
from training.fit.trees.boosted import BoostedClassifier, BoostedRegressor
from training.fit.trees.boosted_onnx import register_boosted
from training.fit.trees.ensemble_onnx import floored

BOOSTING = {"candidates": ["gradient-boosting"], "budget": 1, "folds": 2}
CODES = 60
register_boosted()


def table(rows: int = 1_500) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A number, a category of many values and a number with gaps; all three matter."""
    random = np.random.default_rng(5)
    codes = random.integers(0, CODES, rows)
    gaps = random.normal(size=rows)
    number = random.normal(size=rows)
    target = number + random.normal(size=CODES)[codes] + np.where(gaps > 1, 2.0, 0.0)
    gaps[random.random(rows) < 0.3] = np.nan
    matrix = np.column_stack([number, codes, gaps]).astype(np.float32)
    matrix[random.random(rows) < 0.1, 1] = np.nan
    return matrix, target + random.normal(0, 0.3, rows)


@pytest.mark.parametrize("kind", [BoostedRegressor, BoostedClassifier])
@pytest.mark.parametrize("classes", [2, 4])
def test_categories_and_missing_values_compile_as_they_are(
    tmp_path: Path, kind: Any, classes: int
) -> None:
    matrix, target = table()
    if kind is BoostedClassifier:
        target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes))
    pipeline = Pipeline([("model", clone(kind(categories=(1,))))]).fit(matrix[:1200], target[:1200])
    compiled = compile_pipeline(pipeline, matrix[1200:], tmp_path / "model")
    assert (compiled.engine_name, compiled.equality.proven) == ("onnx", True), compiled.fallback
    assert pipeline.score(matrix[1200:], target[1200:]) > (
        0.5 if kind is BoostedClassifier else 0.7
    )


def test_a_prediction_never_falls_where_the_spec_says_increasing(spec_of: SpecOf) -> None:
    steps = np.linspace(0, 10, 200, dtype=np.float32)
    falls = {}
    for monotone in ({}, {"monotone": "increasing"}):
        spec = spec_of(search=BOOSTING, columns={"light": monotone})
        rows = encode_and_split(spec, plants(), "fingerprint")
        model = make_pipeline(spec, rows.contract, "gradient-boosting", rows.matrix).fit(
            *rows.train
        )
        along = np.tile(rows.matrix[0], (len(steps), 1))
        along[:, list(rows.contract.positions("light"))] = steps[:, np.newaxis]
        falls[bool(monotone)] = int((np.diff(model.predict(along)) < 0).sum())
    assert falls[False] > 0
    assert falls[True] == 0


def test_a_direction_has_no_meaning_for_many_classes() -> None:
    matrix, target = table(200)
    model = BoostedClassifier(monotone=(1, 0, 0))
    with pytest.raises(ValueError, match="monotone: given for 3 classes; allowed"):
        model.fit(matrix, np.digitize(target, [-1.0, 1.0]))


def test_one_class_alone_has_one_probability() -> None:
    rows, _ = table(50)
    model = BoostedClassifier().fit(rows, np.full(50, 3))
    assert model.classes_.tolist() == [3]
    assert model.predict_proba(rows).tolist() == [[1.0]] * 50
    assert set(model.predict(rows)) == {3}


def test_more_classes_than_a_tenth_of_the_rows_are_learnt_too() -> None:
    rows, _ = table(1_000)
    model = BoostedClassifier(trees=2, leaves=3).fit(rows[:, :1], np.arange(1_000) % 120)
    assert model.predict_proba(rows[:2, :1]).shape == (2, 120)


def test_rows_in_the_order_of_time_are_stopped_by_the_last_tenth(spec_of: SpecOf) -> None:
    spec = spec_of(search=BOOSTING)
    rows = np.zeros((0, len(spec.contract().features)), np.float32)
    model = make_pipeline(spec, spec.contract(), "gradient-boosting", rows)["model"]
    learnt, validation = model._split(np.zeros(2_000))
    assert (learnt.max(), validation.min(), validation.max()) == (1_799, 1_800, 1_999)


def test_trees_stop_when_there_is_nothing_more_to_learn() -> None:
    matrix, _ = table(2_000)
    noise = np.random.default_rng(1).normal(size=len(matrix))
    learnt = BoostedRegressor(categories=(1,)).fit(*table(2_000)).booster_.num_trees()
    nothing = BoostedRegressor(categories=(1,)).fit(matrix, noise).booster_.num_trees()
    assert nothing < 20 < learnt


def test_threads_change_nothing() -> None:
    matrix, target = table(1_200)
    wide = np.tile(matrix, (1, 150))
    one, two = (BoostedRegressor(trees=5, n_jobs=n).fit(wide[:900], target[:900]) for n in (1, 2))
    assert one.booster_.model_to_string() == two.booster_.model_to_string().replace(
        "[num_threads: 2]", "[num_threads: 1]"
    )


def test_a_threshold_between_two_neighbours_lets_the_upper_one_not_pass(tmp_path: Path) -> None:
    low = np.float32(200.3)
    high = np.nextafter(low, np.float32(np.inf))
    matrix = np.repeat(np.array([low, high], dtype=np.float32), 50)[:, np.newaxis]
    for shift in range(4):
        # Which of the two is the even one, to which a tie is rounded, differs from pair to pair.
        moved = matrix.view(np.int32) + shift
        rows = moved.view(np.float32)
        model = Pipeline([("model", BoostedRegressor())]).fit(rows, np.repeat([0.0, 1.0], 50))
        compiled = compile_pipeline(model, rows, tmp_path / "model")
        assert compiled.engine_name == "onnx", compiled.fallback


def test_no_threshold_is_rounded_up() -> None:
    exact = np.random.default_rng(2).normal(0, 1e3, 1_000)
    rounded = floored(exact)
    assert (rounded <= exact).all()
    assert (np.nextafter(rounded.astype(np.float32), np.float32(np.inf)) > exact).all()


def test_what_is_missing_where_nothing_was_goes_the_way_of_0(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    matrix = random.normal(size=(2_000, 2)).astype(np.float32)
    target = matrix.sum(axis=1) + random.normal(0, 0.1, 2_000)
    model = Pipeline([("model", BoostedRegressor())]).fit(matrix, target)
    matrix[::3, 0], matrix[::5, 1] = np.nan, np.nan
    compiled = compile_pipeline(model, matrix, tmp_path / "model")
    assert compiled.engine_name == "onnx", compiled.fallback


def test_a_model_of_leaves_alone_compiles(tmp_path: Path) -> None:
    matrix = np.zeros((2_000, 1), dtype=np.float32)
    model = Pipeline([("model", BoostedRegressor())]).fit(matrix, np.arange(2_000.0))
    compiled = compile_pipeline(model, matrix, tmp_path / "model")
    assert compiled.engine_name == "onnx", compiled.fallback
