"""Metrics of classes from shares of classes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import rankdata

from monitoring.estimate.classes import expected_metrics
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS


def test_of_certain_classes_they_are_the_metrics_of_training():
    random = np.random.default_rng(3)
    probabilities = random.dirichlet(np.ones(3), 200).round(1)
    truth, values = random.integers(0, 3, 200), probabilities.argmax(axis=1)
    ours = expected_metrics(
        np.eye(3)[truth], values, probabilities, rankdata(probabilities, axis=0)
    )
    theirs = measure(METRICS["classification"], Scored(truth, values, probabilities))
    assert {name: ours[name] for name in ours} == pytest.approx(
        {name: theirs[name] for name in ours}
    )


def test_the_area_of_shares_is_the_mean_over_all_that_may_come_true():
    """By every outcome of six rows, each weighed by its chance and by its number of pairs."""
    scores = np.array([0.1, 0.3, 0.3, 0.5, 0.8, 0.9])
    shares = np.array([0.2, 0.1, 0.5, 0.4, 0.9, 0.7])
    above = pairs = 0.0
    for outcome in itertools.product((0, 1), repeat=6):
        true = np.array(outcome) == 1
        chance = np.where(true, shares, 1 - shares).prod()
        upper, lower = scores[true][:, np.newaxis], scores[~true]
        above += chance * ((upper > lower).sum() + 0.5 * (upper == lower).sum())
        pairs += chance * true.sum() * (~true).sum()
    both = np.column_stack([1 - shares, shares])
    ranks = rankdata(np.column_stack([1 - scores, scores]), axis=0)
    given = np.column_stack([1 - scores, scores])
    metrics = expected_metrics(both, (scores > 0.5).astype(int), given, ranks)
    assert metrics["auc"] == pytest.approx(above / pairs)
