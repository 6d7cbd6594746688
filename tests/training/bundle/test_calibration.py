"""What an estimate is calibrated by: blocks and maps that say what held-out rows show, and models of the loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from service.bundle.contract import Column, Contract, Output
from service.bundle.engines import Answer, OnnxEngine
from service.bundle.reference import Block
from tests.support.plants import ResultOf, SpecOf, plants
from training.bundle.calibration import (
    BLOCK_ROWS,
    Calibrated,
    calibrate,
    make_blocks,
    make_class_map,
)
from training.bundle.loss import FOLDS, fit_loss_models, inputs_of
from training.judge.result import TrainingResult

RANDOM = np.random.default_rng(8)
NUMBERS = Contract(
    "n",
    "regression",
    (
        Column("a", "number"),
        Column("b", "number", nullable=True),
        Column("kind", "category", categories=("x", "y")),
        Column("who", "number", sensitive=True),
    ),
    (Output("y"),),
)


def calibrated(result: TrainingResult) -> Calibrated:
    dataset = result.dataset
    answer, truth = result.fitted.predict(dataset.held_out), dataset.target[dataset.split.held_out]
    return calibrate(dataset.contract, dataset.held_out, truth, answer, seed=1)


def block_of(blocks: tuple[Block, ...], score: float) -> Block:
    uppers = [block.upper for block in blocks]
    return blocks[min(int(np.searchsorted(uppers, score)), len(blocks) - 1)]


def test_blocks_say_what_loss_rows_of_a_score_have() -> None:
    score = RANDOM.uniform(0.5, 1, 20_000)
    blocks = make_blocks(score, RANDOM.random(len(score)) < score**2)
    assert 10 <= len(blocks) <= 60
    assert sum(block.rows for block in blocks) == len(score)
    assert all(block.rows >= BLOCK_ROWS for block in blocks)
    means = [block.mean for block in blocks]
    assert means == sorted(means)
    for at in (0.6, 0.75, 0.9):
        block = block_of(blocks, at)
        assert block.mean == pytest.approx(at**2, abs=0.06)
        assert block.variance == pytest.approx(block.mean * (1 - block.mean), abs=0.01)


def test_a_row_on_the_edge_is_in_the_block_that_it_was_counted_in() -> None:
    """Also in float32, which is how an engine answers."""
    score = np.repeat(np.array([0.1, 0.7, 0.9], dtype=np.float32), 100)
    blocks = make_blocks(score, np.repeat([0.0, 0.5, 1.0], 100))
    assert [(block.rows, block.mean) for block in blocks] == [(100, 0.0), (100, 0.5), (100, 1.0)]
    for value, mean in ((0.1, 0.0), (0.7, 0.5), (0.9, 1.0)):
        assert block_of(blocks, float(np.float32(value))).mean == mean
        assert block_of(blocks, value).mean == mean


def test_a_score_that_says_nothing_has_one_block() -> None:
    (block,) = make_blocks(np.full(300, 0.5), RANDOM.random(300) < 0.3)
    assert block.rows == 300 and 0.2 < block.mean < 0.4


def test_a_class_map_undoes_what_a_model_is_too_sure_of() -> None:
    true = RANDOM.uniform(0, 1, 20_000)
    boasting = np.clip(0.5 + (true - 0.5) * 1.6, 0, 1)
    points = make_class_map(boasting, RANDOM.random(len(true)) < true)
    assert sum(points.rows) == len(true) and min(points.rows) >= BLOCK_ROWS
    asked = np.array([0.18, 0.5, 0.82])
    assert np.interp(asked, points.probabilities, points.shares) == pytest.approx(
        0.5 + (asked - 0.5) / 1.6, abs=0.05
    )


def test_classes_are_calibrated_by_their_held_out_rows(
    classes_of: SpecOf, result_of: ResultOf
) -> None:
    result = result_of(classes_of(), plants(2_000))
    calibration, loss_models = calibrated(result)
    assert result.evaluation is not None
    blocks = calibration.blocks["accuracy"]
    mean = sum(block.rows * block.mean for block in blocks) / calibration.rows
    assert mean == pytest.approx(result.evaluation.metrics["accuracy"].value)
    assert len(calibration.class_maps) == 2 and loss_models == b"" and not calibration.unknown


def test_numbers_are_calibrated_by_models_of_their_loss(
    spec_of: SpecOf, result_of: ResultOf, tmp_path: Path
) -> None:
    result = result_of(spec_of(), plants(2_000))
    calibration, loss_models = calibrated(result)
    assert result.evaluation is not None
    for name, metric, power in (("mae", "mae", 1), ("mse", "rmse", 2)):
        blocks = calibration.blocks[name]
        mean = sum(block.rows * block.mean for block in blocks) / calibration.rows
        assert mean == pytest.approx(result.evaluation.metrics[metric].value ** power, rel=1e-5)
    (tmp_path / "loss.onnx").write_bytes(loss_models)
    held_out = result.dataset.held_out
    predictions = result.fitted.predict(held_out).values
    inputs = inputs_of(result.dataset.contract, held_out, predictions)
    expected = OnnxEngine(tmp_path / "loss.onnx").predict(inputs).values
    assert expected.shape == (len(held_out), 2 * FOLDS) and np.isfinite(expected).all()


def rows_of_numbers(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors are large where `a` is, and where `who` is, which nobody may look at."""
    matrix = RANDOM.uniform(0, 1, (rows, 4)).astype(np.float32)
    matrix[:, 2] = RANDOM.integers(0, 2, rows)
    matrix[::7, 1] = np.nan
    predictions = RANDOM.normal(0, 1, (rows, 1))
    errors = RANDOM.normal(0, 1, rows) * (0.2 + matrix[:, 0] + 2 * matrix[:, 3])
    return matrix, predictions, errors


def test_the_compiled_loss_models_answer_as_those_that_were_fitted(tmp_path: Path) -> None:
    """A row's own model is one of the five: its answer is among the compiled ones."""
    matrix, predictions, errors = rows_of_numbers(1_500)
    inputs = inputs_of(NUMBERS, matrix, predictions)
    models = fit_loss_models(inputs, errors, seed=1)
    (tmp_path / "loss.onnx").write_bytes(models.onnx)
    compiled = OnnxEngine(tmp_path / "loss.onnx").predict(inputs).values
    for unseen, part in (
        (models.absolute, compiled[:, :FOLDS]),
        (models.squared, compiled[:, FOLDS:]),
    ):
        assert np.abs(part - unseen[:, np.newaxis]).min(axis=1).max() < 1e-5 * unseen.max()
        assert np.corrcoef(part.mean(axis=1), np.abs(errors))[0, 1] > 0.2


def test_a_sensitive_value_moves_no_expected_loss(tmp_path: Path) -> None:
    """The journal may have it hashed or left out, so that nothing may hang on it."""
    matrix, predictions, errors = rows_of_numbers(1_000)
    models = fit_loss_models(inputs_of(NUMBERS, matrix, predictions), errors, seed=1)
    (tmp_path / "loss.onnx").write_bytes(models.onnx)
    engine = OnnxEngine(tmp_path / "loss.onnx")
    with_values = np.column_stack([matrix, predictions]).astype(np.float32)
    without = with_values.copy()
    without[:, 3] = np.nan
    assert engine.predict(with_values).values.tolist() == engine.predict(without).values.tolist()


def test_the_same_seed_gives_the_same_loss_models() -> None:
    matrix, predictions, errors = rows_of_numbers(400)
    inputs = inputs_of(NUMBERS, matrix, predictions)
    first, again = (fit_loss_models(inputs, errors, seed=3) for _ in range(2))
    assert first.absolute.tolist() == again.absolute.tolist() and first.onnx == again.onnx


def test_few_held_out_rows_calibrate_nothing(regression: TrainingResult) -> None:
    calibration, loss_models = calibrated(regression)
    assert "60 held-out rows; it takes 100" in calibration.unknown
    assert (calibration.blocks, loss_models) == ({}, b"")


def test_a_recipe_has_no_truth_by_row(optimization: TrainingResult) -> None:
    assert "no truth by row" in calibrated(optimization).calibration.unknown


def test_a_class_that_is_never_seen_is_mapped_to_nothing() -> None:
    contract = replace(NUMBERS, task="classification", classes=("a", "b", "c"))
    odds = RANDOM.dirichlet([4, 4, 1], 400).astype(np.float32)
    odds[:, 2] = 0
    answer = Answer(odds[:, :2].argmax(axis=1), odds)
    truth = RANDOM.integers(0, 2, 400)
    calibration = calibrate(contract, np.zeros((400, 4), np.float32), truth, answer, 1).calibration
    assert calibration.class_maps[2].shares == (0.0,)
