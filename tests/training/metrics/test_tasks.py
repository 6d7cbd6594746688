"""Metrics against scikit-learn's own, and their intervals."""

import numpy as np
import pytest
from sklearn import metrics as reference

from training.metrics.metric import Scored, measure, measure_with_intervals
from training.metrics.tasks import METRICS

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.integers(0, 3, 400)
WEIGHTS = RANDOM.random((400, 3)) + 0.4 * np.eye(3)[TRUTH]
PROBABILITIES = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)
CALLED = PROBABILITIES.argmax(axis=1)
CLASSES = Scored(TRUTH, CALLED, PROBABILITIES)


def test_a_classifiers_metrics_are_those_of_scikit_learn() -> None:
    measured = measure(METRICS["classification"], CLASSES)
    assert measured == pytest.approx(
        {
            "f1": reference.f1_score(TRUTH, CALLED, average="macro"),
            "accuracy": reference.accuracy_score(TRUTH, CALLED),
            "auc": reference.roc_auc_score(TRUTH, PROBABILITIES, multi_class="ovr"),
            "precision": reference.precision_score(TRUTH, CALLED, average="macro"),
            "recall": reference.recall_score(TRUTH, CALLED, average="macro"),
        }
    )


def test_a_regressors_metrics_are_those_of_scikit_learn() -> None:
    truth = RANDOM.normal(size=300)
    called = truth + RANDOM.normal(scale=0.3, size=300)
    measured = measure(METRICS["regression"], Scored(truth, called))
    assert measured["r2"] == pytest.approx(reference.r2_score(truth, called))
    assert measured["mae"] == pytest.approx(reference.mean_absolute_error(truth, called))
    assert measured["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, called))


def test_regret_is_the_share_of_the_optimal_profit_that_is_lost() -> None:
    truth = np.array([[10.0, 1.0], [30.0, 0.0]])
    served = np.array([[9.0, 2.0], [29.0, 4.0]])
    measured = measure(METRICS["optimization"], Scored(truth, served))
    assert measured == pytest.approx({"regret": 0.05, "convergence": 0.5, "cost": 3.0})


def test_the_interval_holds_the_value_and_narrows_with_rows() -> None:
    few = measure_with_intervals(METRICS["classification"], CLASSES.take(np.arange(40)))["accuracy"]
    many = measure_with_intervals(METRICS["classification"], CLASSES)["accuracy"]
    assert few.low <= few.value <= few.high
    assert many.high - many.low < few.high - few.low


def test_the_interval_covers_the_true_value_about_95_times_of_100() -> None:
    inside = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        hits = (random.random(300) < 0.8).astype(int)
        scored = Scored(np.ones(300, dtype=int), hits, np.column_stack([1 - hits, hits]))
        interval = measure_with_intervals(METRICS["classification"], scored, seed)["accuracy"]
        inside += interval.low <= 0.8 <= interval.high
    assert inside >= 51


def test_large_samples_are_resampled_small_and_scaled() -> None:
    whole = measure_with_intervals(METRICS["classification"], CLASSES)["accuracy"]
    scaled = measure_with_intervals(METRICS["classification"], CLASSES, most=100)["accuracy"]
    assert scaled.high - scaled.low == pytest.approx(whole.high - whole.low, rel=0.3)


def test_a_slice_with_one_class_alone_has_no_auc() -> None:
    only = CLASSES.take(np.flatnonzero(TRUTH == 1))
    assert np.isnan(measure(METRICS["classification"], only)["auc"])
