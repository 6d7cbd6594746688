"""Metrics against scikit-learn's own, and their intervals."""

import numpy as np
import pytest
from scipy.signal import lfilter
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
            "balanced_accuracy": reference.balanced_accuracy_score(TRUTH, CALLED),
            "pr_auc": reference.average_precision_score(TRUTH, PROBABILITIES),
            "log_loss": reference.log_loss(TRUTH, PROBABILITIES),
            "brier": reference.brier_score_loss(TRUTH, PROBABILITIES),
            "ece": 0.163,
        },
        abs=0.05,
    )


def test_of_two_classes_the_second_is_the_positive_one() -> None:
    truth = (TRUTH == 2).astype(int)
    odds = np.column_stack([1 - PROBABILITIES[:, 2], PROBABILITIES[:, 2]]).round(2)
    measured = measure(METRICS["classification"], Scored(truth, odds.argmax(axis=1), odds))
    assert measured["pr_auc"] == pytest.approx(reference.average_precision_score(truth, odds[:, 1]))
    assert measured["brier"] == pytest.approx(reference.brier_score_loss(truth, odds[:, 1]))
    assert measured["log_loss"] == pytest.approx(reference.log_loss(truth, odds), abs=1e-6)


def test_the_calibration_error_is_the_gap_between_probability_and_share() -> None:
    values = np.tile([0, 0, 0, 0, 1], 20)
    sure = np.full(100, 0.9)
    scored = Scored(values, np.zeros(100, int), np.column_stack([sure, 1 - sure]))
    assert measure(METRICS["classification"], scored)["ece"] == pytest.approx(0.1)


def test_a_regressors_metrics_are_those_of_scikit_learn() -> None:
    truth = RANDOM.normal(size=300)
    called = truth + RANDOM.normal(scale=0.3, size=300)
    measured = measure(METRICS["regression"], Scored(truth, called))
    assert measured["r2"] == pytest.approx(reference.r2_score(truth, called))
    assert measured["mae"] == pytest.approx(reference.mean_absolute_error(truth, called))
    assert measured["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, called))
    assert measured["mape"] == pytest.approx(
        reference.mean_absolute_percentage_error(truth, called)
    )
    assert "coverage" not in measured


def test_percentage_errors_bear_a_truth_of_0() -> None:
    measured = measure(
        METRICS["regression"], Scored(np.array([0.0, 0.0, 10.0]), np.array([0.0, 5.0, 15.0]))
    )
    assert measured["mape"] == pytest.approx(0.5)
    assert measured["smape"] == pytest.approx((0 + 2 + 0.4) / 3)


def test_quantiles_are_judged_by_their_loss_and_by_what_they_hold() -> None:
    truth = RANDOM.normal(size=300)
    ends = np.tile([-1.0, 1.5], (300, 1))
    scored = Scored(truth, np.zeros(300), quantiles=ends, levels=(0.1, 0.9))
    measured = measure(METRICS["regression"], scored)
    assert measured["quantile_loss"] == pytest.approx(
        np.mean(
            [
                reference.mean_pinball_loss(truth, ends[:, 0], alpha=0.1),
                reference.mean_pinball_loss(truth, ends[:, 1], alpha=0.9),
            ]
        )
    )
    assert measured["coverage"] == pytest.approx(((truth >= -1) & (truth <= 1.5)).mean())
    half = scored.take(np.arange(150))
    assert half.quantiles is not None and len(half.quantiles) == 150


def test_every_scorer_is_one_of_scikit_learn() -> None:
    scorers = {metric.scorer for metrics in METRICS.values() for metric in metrics}
    assert scorers - {""} <= set(reference.get_scorer_names())


def test_intervals_of_rows_in_order_of_time_hold_the_true_value_more_often() -> None:
    """Errors that go with their neighbour's: drawn one by one, rows make the interval too narrow."""
    mae = [metric for metric in METRICS["regression"] if metric.name == "mae"]
    inside = {False: 0, True: 0}
    for seed in range(30):
        errors = lfilter([0.19**0.5], [1, -0.9], np.random.default_rng(seed).normal(size=800))[300:]
        for in_order in inside:
            scored = Scored(errors, np.zeros(500))
            interval = measure_with_intervals(mae, scored, seed, in_order=in_order)["mae"]
            inside[in_order] += interval.low <= (2 / np.pi) ** 0.5 <= interval.high
    assert inside[False] < 20 < inside[True]


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
