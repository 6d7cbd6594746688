"""MAE, RMSE and R² of numbers before their truth is in, by models of the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.estimate.blocks import BlockEstimate, estimate_by_blocks
from monitoring.estimate.interval import Estimate, Predictions, around, root_of
from monitoring.window.values import answers_of
from service.bundle.engines import Engine
from service.bundle.reference import Block, Calibration

#: Each loss has so many models, each fitted without a fold of the held-out rows.
FOLDS = 5
#: Half of what the inputs move the expected loss by is uncertain: where they move to, held-out rows were few, and small
#: models see less of the change than there is. So measured on eight models: docs/monitoring.md.
CHANGE_DOUBT = 0.5


def loss_scores(rows: Predictions, loss_model: Engine) -> dict[str, NDArray[Any]]:
    """By loss, what its models expect of each row, in the mean."""
    inputs = np.column_stack([rows.matrix, answers_of(rows.values)]).astype(np.float32)
    expected = loss_model.predict(inputs).values.astype(np.float64)
    return {"mae": expected[:, :FOLDS].mean(axis=1), "mse": expected[:, FOLDS:].mean(axis=1)}


def estimate_numbers(
    rows: Predictions, scores: dict[str, NDArray[Any]], calibration: Calibration
) -> dict[str, Estimate]:
    absolute, squared = (
        _estimate_loss(scores[name], calibration.blocks[name]) for name in ("mae", "mse")
    )
    return {
        "r2": _r2(answers_of(rows.values), squared, calibration),
        "mae": around(absolute.mean, math.sqrt(absolute.variance), 0.0, math.inf),
        "rmse": root_of(around(squared.mean, math.sqrt(squared.variance), 0.0, math.inf)),
    }


def _estimate_loss(scores: NDArray[Any], blocks: Sequence[Block]) -> BlockEstimate:
    """By blocks, and less certain the further it lies from the loss of the held-out rows."""
    by_blocks = estimate_by_blocks(scores, blocks, False)
    held_out = sum(block.rows * block.mean for block in blocks) / sum(
        block.rows for block in blocks
    )
    doubt = CHANGE_DOUBT * (by_blocks.mean - held_out)
    return by_blocks._replace(variance=by_blocks.variance + doubt**2)


def _r2(answers: NDArray[Any], squared: BlockEstimate, calibration: Calibration) -> Estimate:
    """1 - error / spread of the truth, which is an answer and its error.

    Of a cautious model errors grow with the answers: the truth is spread wider than both add up to, by twice the slope.
    That errors go with answers by chance, in the window and in the held-out rows, has variances of its own.
    """
    from_mean = answers.astype(np.float64) - answers.mean(dtype=np.float64)
    spread = float(np.mean(from_mean**2))
    truth = spread * (1 + 2 * calibration.slope) + squared.mean
    if truth <= 0.0:
        return Estimate(math.nan, math.nan, math.nan, math.nan)
    by_chance = float(np.mean(from_mean**2 * squared.expected)) / len(answers)
    together = by_chance + (spread * calibration.slope_deviation) ** 2
    variance = (truth - squared.mean) ** 2 * squared.variance + 4 * squared.mean**2 * together
    return around(1 - squared.mean / truth, math.sqrt(variance) / truth**2, -math.inf, 1.0)
