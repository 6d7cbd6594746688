"""What chance makes: levels hold over many tests, a reference that is off by chance, close calls of levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monitoring.drift.categories import (
    Table,
    least_level_effect,
    present_levels,
    tail_of_levels,
)
from monitoring.drift.chance import REFERENCE_WEIGHT, Null, adjust, weigh
from training.metrics.effects import category_effect


def test_the_adjustment_is_that_of_benjamini_and_hochberg() -> None:
    p_values = [0.001, 0.2, 0.03, 0.012, 0.9]
    expected = stats.false_discovery_control(p_values, method="bh")
    assert adjust(p_values) == pytest.approx(list(expected))
    assert adjust([]) == []


def test_a_tail_and_its_quantile_are_each_others_inverse() -> None:
    null = Null(500, 0.06, 0.02)
    for level in (0.5, 0.05, 1e-4):
        assert null.tail(null.quantile(level, 0.01), 0.01) == pytest.approx(level)


def test_without_noise_any_effect_is_beyond_chance() -> None:
    null = Null(500, 0.0, 0.0)
    assert (null.tail(0.0, 0.01), null.tail(0.1, 0.01)) == (1.0, 0.0)


def test_the_references_own_chance_weighs_more() -> None:
    assert weigh(1e-3, 1e-9) == 1e-3
    assert weigh(1e-3, 1e-3) == pytest.approx(REFERENCE_WEIGHT * 1e-3)
    assert weigh(0.5, 0.5) == 1.0


def test_chi_square_of_large_samples_is_scipys() -> None:
    table = Table(np.array([60.0, 90, 50]), np.array([30_000.0, 50_000, 20_000]))
    expected = stats.chi2_contingency(np.array(table), correction=False).pvalue
    assert tail_of_levels(table) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [200, 2_000])
@pytest.mark.parametrize(
    "shares", [(0.999, 0.001), (0.5, 0.3, 0.1, 0.05, 0.03, 0.015, 0.004, 0.001)]
)
def test_rare_levels_do_not_alarm_more_than_their_level(
    rows: int, shares: tuple[float, ...]
) -> None:
    random = np.random.default_rng(rows)
    tails = [
        tail_of_levels(
            present_levels(
                random.multinomial(rows, shares).astype(float),
                random.multinomial(20_000, shares).astype(float),
            )
        )
        for _ in range(2_000)
    ]
    for level in (0.05, 0.01):
        # A share of 2,000 draws differs from its mean by two deviations at most.
        assert np.mean(np.array(tails) <= level) <= level + 2 * np.sqrt(level / 2_000)


def test_an_effect_of_levels_at_the_least_visible_has_that_p() -> None:
    """The divergence is chi-square's distance only for close shares: here it is right to a tenth."""
    reference = np.array([10_000.0, 6_000, 4_000])
    table = Table(np.array([250.0, 150, 100]), reference)
    level = 0.005
    visible = least_level_effect(table, level)
    step = 0.0
    while (
        tail_of_levels(Table(table.window + np.array([-step, step / 2, step / 2]), reference))
        > level
    ):
        step += 0.5
    reached = category_effect(table.window + np.array([-step, step / 2, step / 2]), reference)
    assert visible == pytest.approx(reached, rel=0.1)
