"""The calibration of the estimate: which loss held-out rows had by their score, in blocks, and class by class."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer
from service.bundle.reference import Block, Calibration, ClassMap
from training.bundle.loss import MOST_ROWS, fit_loss_models, inputs_of
from training.fit.finish.calibrate import isotonic_blocks
from training.metrics.metric import sample_rows

Floats = NDArray[np.float64]

#: Fewer held-out rows than this calibrate nothing.
LEAST_ROWS = 100
#: Of a block: what a window says of a smaller one would be chance.
BLOCK_ROWS = 50
NO_TRUTH = "no truth by row: nobody knows what the best recipe would have been"


class Calibrated(NamedTuple):
    """`loss_models` is the ONNX file of the models of the loss; empty where there are none."""

    calibration: Calibration
    loss_models: bytes = b""


def calibrate(
    contract: Contract, held_out: Matrix, truth: NDArray[Any], answer: Answer, seed: int
) -> Calibrated:
    """By the answers to held-out rows alone: a model is too sure of the rows that it learnt from."""
    if contract.task == "optimization":
        return Calibrated(Calibration(unknown=NO_TRUTH))
    if len(held_out) < LEAST_ROWS:
        reason = (
            f"{len(held_out)} held-out rows; it takes {LEAST_ROWS} to know what a score is worth"
        )
        return Calibrated(Calibration(unknown=reason))
    if contract.classes:
        return Calibrated(_of_classes(contract, truth, answer, seed))
    return _of_numbers(contract, held_out, truth, answer, seed)


def _of_classes(contract: Contract, truth: NDArray[Any], answer: Answer, seed: int) -> Calibration:
    assert answer.probabilities is not None  # a classifier always gives them
    probabilities = answer.probabilities.astype(np.float64)
    predicted = answer.values.astype(np.intp)
    score = probabilities[np.arange(len(truth)), predicted]
    return Calibration(
        seed=seed,
        rows=len(truth),
        blocks={"accuracy": make_blocks(score, predicted == truth)},
        class_maps=tuple(
            make_class_map(probabilities[:, code], truth == code)
            for code in range(len(contract.classes))
        ),
    )


def _of_numbers(
    contract: Contract, held_out: Matrix, truth: NDArray[Any], answer: Answer, seed: int
) -> Calibrated:
    rows = sample_rows(len(held_out), MOST_ROWS, seed)
    predictions = answer.values[rows, 0].astype(np.float64)
    errors = truth[rows] - predictions
    models = fit_loss_models(inputs_of(contract, held_out[rows], predictions), errors, seed)
    blocks = {
        "mae": make_blocks(models.absolute, np.abs(errors)),
        "mse": make_blocks(models.squared, errors**2),
    }
    slope, deviation = fit_slope(predictions, errors)
    calibration = Calibration(
        seed=seed, rows=len(rows), blocks=blocks, slope=slope, slope_deviation=deviation
    )
    return Calibrated(calibration, models.onnx)


def fit_slope(predictions: Floats, errors: Floats) -> tuple[float, float]:
    """The slope of errors over predictions, by least squares, and its deviation, which holds for errors of any spread.

    Both are 0 where all predictions are the same.
    """
    apart = predictions - predictions.mean()
    square = float(np.sum(apart**2))
    if square == 0.0:
        return 0.0, 0.0
    slope = float(np.sum(apart * errors)) / square
    left = errors - errors.mean() - slope * apart
    return slope, float(np.sqrt(np.sum(apart**2 * left**2))) / square


def make_blocks(score: NDArray[Any], loss: NDArray[Any]) -> tuple[Block, ...]:
    """Isotonic regression of the loss on the score, in blocks of at least `BLOCK_ROWS`."""
    blocks = isotonic_blocks(score, loss, BLOCK_ROWS)
    # Halfway to the next block, since a score comes in float32 one day and in float64 another.
    uppers = [(scores[-1] + later[0]) / 2 for (scores, _), (later, _) in pairwise(blocks)]
    uppers.append(blocks[-1][0][-1])
    return tuple(
        Block(
            upper=float(upper),
            rows=len(losses),
            mean=float(losses.mean()),
            variance=float(losses.var(ddof=1)),
        )
        for upper, (_, losses) in zip(uppers, blocks, strict=True)
    )


def make_class_map(probability: NDArray[Any], belongs: NDArray[Any]) -> ClassMap:
    """How often rows were of a class, by the probability that the model gave it: a point a block, at its mean."""
    blocks = make_blocks(probability, belongs)
    number = np.searchsorted([block.upper for block in blocks[:-1]], probability)
    means = np.bincount(number, weights=probability) / np.bincount(number)
    return ClassMap(
        probabilities=tuple(means.tolist()),
        shares=tuple(block.mean for block in blocks),
        rows=tuple(block.rows for block in blocks),
    )
