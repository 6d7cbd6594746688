"""Our estimates beside NannyML's of the same rows, whose inputs did not move.

Its figures are from `python -m tests.bench.estimates --nannyml PYTHON --seeds 1 --windows 10 --figures nannyml.json`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from monitoring.estimate.classes import expected_metrics
from monitoring.estimate.estimate import estimate
from tests.support.monitoring.populations import Rows, population

FIGURES = json.loads(Path(__file__).with_name("nannyml.json").read_text(encoding="utf-8"))
#: Of errors, in shares of the error itself: they have a unit.
NEAR = {"accuracy": 0.005, "auc": 0.005, "mae": 0.05, "rmse": 0.05}
#: Whose scores NannyML left as they are: its trial of the calibration found them no worse.
UNCALIBRATED = "hard"


def uncalibrated_auc(rows: Rows) -> float:
    """As expected by the model's own probabilities; NaN of numbers."""
    if rows.probabilities is None:
        return math.nan
    shares = rows.probabilities.astype(np.float64)
    return expected_metrics(shares, rows.values, shares, rankdata(shares, axis=0))["auc"]


@pytest.mark.parametrize("name", ["easy", "hard", "rare", "numbers"])
def test_our_estimates_are_nannyml_s_where_inputs_did_not_move(name: str):
    figures = FIGURES["estimates"][name]
    windows = len(next(iter(figures.values())))
    drawn = population(name, FIGURES["seed"])
    random = np.random.default_rng([FIGURES["seed"], 0])
    estimates, raw = [], []
    for _ in range(windows):
        rows = drawn.draw(FIGURES["rows"], random)
        raw.append(uncalibrated_auc(rows))
        estimates.append(
            estimate(rows, drawn.reference, drawn.loss_model, drawn.contract, 100).metrics
        )
    for metric, theirs in figures.items():
        ours = [metrics[metric].value for metrics in estimates]
        if (name, metric) == (UNCALIBRATED, "auc"):
            assert 0.005 < abs(np.mean(ours) - np.mean(theirs)) < 0.01
            ours = raw
        unit = np.mean(theirs) if metric in ("mae", "rmse") else 1.0
        assert abs(np.mean(ours) - np.mean(theirs)) < NEAR[metric] * unit
