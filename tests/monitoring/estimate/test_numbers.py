"""R² of models whose errors go with their predictions."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.estimate.estimate import estimate
from service.bundle.contract import Matrix
from tests.support.monitoring.populations import Rows, contract_of, known_of
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS


def cautious(rows: int, share: float, seed: int) -> Rows:
    """Predictions of a part of what there is to predict."""
    random = np.random.default_rng(seed)
    matrix: Matrix = random.normal(size=(rows, 3)).astype(np.float32)
    signal = 2.0 * matrix[:, 0]
    return Rows(
        matrix, (share * signal).astype(np.float32), None, signal + random.normal(size=rows)
    )


@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
def test_r2_is_right_for_a_model_that_is_too_cautious_or_too_bold(share: float):
    held_out = cautious(2_000, share, 1)
    contract = contract_of(held_out)
    reference, loss_model = known_of(contract, held_out)
    rows = cautious(2_000, share, 2)
    ours = estimate(rows, reference, loss_model, contract, 100).metrics["r2"]
    later = measure(METRICS["regression"], Scored(rows.truth, rows.values))["r2"]
    assert ours.low < later < ours.high
    assert ours.high - ours.low < 0.15


def test_predictions_that_are_all_the_same_have_no_slope():
    held_out = cautious(400, 0.0, 1)
    contract = contract_of(held_out)
    reference, loss_model = known_of(contract, held_out)
    assert (reference.calibration.slope, reference.calibration.slope_deviation) == (0.0, 0.0)
    ours = estimate(cautious(400, 0.0, 2), reference, loss_model, contract, 100).metrics["r2"]
    assert ours.value == pytest.approx(0.0)
