"""The statistics of experiments: what each promises, over draws with fixed seeds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from monitoring.experiment.statistics import (
    confidence,
    differences,
    paired,
    rare_events,
    sample_ratio,
)
from monitoring.experiment.statistics.confidence import Estimate
from monitoring.experiment.statistics.differences import Sums
from monitoring.experiment.statistics.paired import Pairs
from monitoring.experiment.statistics.rare_events import RATIOS, Counts

ESTIMATE = Estimate(difference=0.1, variance=40.0, weight=200.0)


def sums_of(lines: list[tuple[int, int, int, float, float]]) -> Sums:
    """Lines of stage, arm, unit (-1: of its own), rows, values."""
    stage, arm, unit, rows, values = (np.array(column) for column in zip(*lines, strict=True))
    rows, values = rows.astype(float), values.astype(float)
    ones = np.ones(len(lines))
    return Sums(stage, arm, unit, ones, rows, values, rows**2, rows * values, values**2)


def test_the_boundary_is_narrowest_where_it_was_tuned_to_be():
    tuning = confidence.tuning_of(ESTIMATE.variance, 0.03)
    later = ESTIMATE._replace(variance=5 * ESTIMATE.variance)
    widths = {
        factor: confidence.half_width(later, tuning * factor, 0.03)
        for factor in (0.5, 0.9, 1, 1.1, 2)
    }
    assert min(widths, key=lambda factor: widths[factor]) == 1


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1])
def test_growth_needed_makes_the_interval_as_narrow_as_that(width: float):
    tuning = confidence.tuning_of(ESTIMATE.variance, 0.03)
    growth = confidence.growth_needed(ESTIMATE, tuning, 0.03, width)
    grown = Estimate(0.1, ESTIMATE.variance * growth, ESTIMATE.weight * growth)
    assert confidence.half_width(grown, tuning, 0.03) == pytest.approx(width, rel=0.01)
    assert confidence.growth_needed(ESTIMATE, tuning, 0.03, 1e-9) == math.inf


def test_a_difference_of_plain_rows_is_that_of_the_means_with_their_variance():
    random = np.random.default_rng(1)
    arms = [random.normal(0.3, 1, 400), random.normal(0.5, 2, 100)]
    lines = [(0, arm, -1, 1.0, value) for arm, values in enumerate(arms) for value in values]
    difference = differences.difference_of(sums_of(lines))
    assert difference is not None
    estimate = difference.estimate
    assert estimate.difference == pytest.approx(arms[1].mean() - arms[0].mean())
    variance = sum(values.var(ddof=1) / len(values) for values in arms)
    assert estimate.weight == 80 and estimate.variance / 80**2 == pytest.approx(variance)


def test_a_line_of_many_units_says_what_a_line_for_each_says():
    random = np.random.default_rng(2)
    lines = [
        (stage, arm, -1, float(random.integers(1, 5)), float(random.random()))
        for stage, arm in itertools.product(range(3), range(2))
        for _ in range(40)
    ]
    single = sums_of(lines)
    cell = single.stage * 2 + single.arm
    joined = Sums(
        *(np.repeat(np.arange(3), 2), np.tile([0, 1], 3), np.full(6, -1)),
        *(np.bincount(cell, column) for column in single[3:]),
    )
    first, second = differences.difference_of(single), differences.difference_of(joined)
    assert first is not None and second is not None
    np.testing.assert_allclose(first.estimate, second.estimate)
    assert differences.units_of(single) == differences.units_of(joined) == (120, 120)


def test_subjects_that_come_in_every_stage_are_no_more_subjects():
    random = np.random.default_rng(3)
    values = random.random(200)
    once = [(0, unit % 2, unit, 1.0, values[unit]) for unit in range(200)]
    thrice = [(stage, *line[1:]) for stage in range(3) for line in once]
    one, three = (differences.difference_of(sums_of(lines)) for lines in (once, thrice))
    assert one is not None and three is not None
    # The same in each stage: neither the difference nor how well it is known changes.
    assert three.estimate.difference == pytest.approx(one.estimate.difference)
    spreads = [each.variance / each.weight**2 for each in (one.estimate, three.estimate)]
    assert spreads[0] == pytest.approx(spreads[1])
    assert differences.units_of(sums_of(thrice)) == (100, 100)


def test_a_trend_over_the_stages_is_no_difference():
    lines = [
        (stage, arm, -1, 1.0, float(number < wrong * count))
        for stage, (wrong, counts) in enumerate(((0.1, (950, 50)), (0.5, (500, 500))))
        for arm, count in enumerate(counts)
        for number in range(count)
    ]
    difference = differences.difference_of(sums_of(lines))
    assert difference is not None and abs(difference.estimate.difference) < 1e-9


def test_stages_with_too_few_units_count_for_nothing():
    lines = [(0, arm, -1, 1.0, 1.0) for arm in (0, 1) for _ in range(19)]
    assert differences.difference_of(sums_of(lines)) is None


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95])
def test_an_event_says_nothing_in_the_mean_where_the_arms_are_alike(share: float):
    served = Counts(1000 * (1 - share), 1000 * share, 0, 0)
    of_champion, of_challenger = (
        np.exp(rare_events.log_factors(served._replace(**{field: 1.0})))
        for field in ("champion_events", "challenger_events")
    )
    np.testing.assert_allclose(share * of_challenger + (1 - share) * of_champion, 1)


def test_events_of_one_arm_are_evidence_and_of_both_are_none():
    def evidence(champion: float, challenger: float) -> float:
        counts = Counts(9500, 500, champion, challenger)
        return rare_events.log_evidence(rare_events.log_factors(counts))

    assert evidence(0, 0) == pytest.approx(0)
    assert evidence(0, 6) > math.log(100) and evidence(190, 10) < 0
    assert evidence(0, 100_000) < math.inf
    assert not rare_events.log_factors(Counts(0, 10, 0, 10)).any() and len(RATIOS) == 12


def test_a_share_that_is_kept_is_no_evidence_and_a_wrong_one_is():
    random = np.random.default_rng(4)
    kept = [
        sample_ratio.log_evidence(count, 5000 - count, 0.05)
        for count in random.binomial(5000, 0.05, 200)
    ]
    assert max(kept) < math.log(1000)
    assert sample_ratio.log_evidence(350, 4650, 0.05) > math.log(1000)
    # As a test of chances: over all counts, likelihood ratios have a mean of 1.
    counts = np.arange(41)
    chances = [math.comb(40, count) * 0.25**count * 0.75 ** (40 - count) for count in counts]
    ratios = [math.exp(sample_ratio.log_evidence(count, 40 - count, 0.25)) for count in counts]
    assert np.dot(chances, ratios) == pytest.approx(1)


def test_wins_are_evidence_only_where_one_side_has_more():
    counts = np.arange(31)
    chances = [math.comb(30, count) / 2**30 for count in counts]
    ratios = [math.exp(paired.log_evidence(count, 30 - count)) for count in counts]
    assert np.dot(chances, ratios) == pytest.approx(1)
    assert paired.log_evidence(0, 0) == pytest.approx(0)
    assert paired.log_evidence(40, 10) == paired.log_evidence(10, 40) > math.log(33)


def test_pairs_of_subjects_have_the_variance_of_their_subjects():
    random = np.random.default_rng(5)
    own = random.normal(0, 1, 50)
    rows = np.full(50, 20.0)
    values = rows * own
    pairs = Pairs(np.ones(50), rows, values, rows**2, rows * values, values**2)
    estimate = paired.difference_of(pairs)
    assert estimate is not None and estimate.difference == pytest.approx(own.mean())
    assert estimate.variance / estimate.weight**2 == pytest.approx(own.var(ddof=1) / 50)
    assert paired.difference_of(Pairs(*(column[:1] for column in pairs))) is None
