"""R² of models whose errors go with their predictions; intervals where inputs moved, and where they did not."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.estimate import numbers
from monitoring.estimate.estimate import estimate
from monitoring.estimate.interval import Estimate
from service.bundle.contract import Matrix
from tests.support.monitoring.populations import Population, Rows, contract_of, known_of, population
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


def absolute_errors(
    drawn: Population, shifted: bool, windows: int = 25
) -> list[tuple[Estimate, float]]:
    """What is expected of windows of 500 rows, and what came."""
    random = np.random.default_rng([drawn.held_out.matrix.shape[0], shifted])
    pairs = []
    for _ in range(windows):
        rows = drawn.draw(500, random, shifted)
        ours = estimate(rows, drawn.reference, drawn.loss_model, drawn.contract, 100)
        if not ours.unknown:
            pairs.append((ours.metrics["mae"], float(np.abs(rows.truth - rows.values).mean())))
    return pairs


def covered(pairs: list[tuple[Estimate, float]]) -> float:
    return float(np.mean([ours.low <= later <= ours.high for ours, later in pairs]))


def width(pairs: list[tuple[Estimate, float]]) -> float:
    return float(np.mean([ours.high - ours.low for ours, _ in pairs]))


def test_an_interval_holds_the_later_error_also_where_inputs_moved(
    monkeypatch: pytest.MonkeyPatch,
):
    # Of eight models the two whose errors grow the most where inputs move to.
    drawn = [population("numbers", seed) for seed in (0, 3)]
    assert covered([pair for each in drawn for pair in absolute_errors(each, True)]) > 0.75
    monkeypatch.setattr(numbers, "CHANGE_DOUBT", 0.0)
    assert covered([pair for each in drawn for pair in absolute_errors(each, True)]) < 0.65


def test_an_interval_is_no_wider_for_it_where_inputs_did_not_move(monkeypatch: pytest.MonkeyPatch):
    drawn = population("numbers")
    wide = width(absolute_errors(drawn, False))
    monkeypatch.setattr(numbers, "CHANGE_DOUBT", 0.0)
    assert wide < 1.05 * width(absolute_errors(drawn, False))
