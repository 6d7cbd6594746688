"""The effects of drift: held against SciPy's distances, small without drift, and their noise as chance has it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from training.metrics.effects import (
    LEVELS,
    category_effect,
    category_noise,
    number_effect,
    number_noise,
    quantiles_of,
)

RANDOM = np.random.default_rng(11)
SHAPES = {
    "normal": lambda rows: RANDOM.normal(0, 1, rows),
    "lognormal": lambda rows: RANDOM.lognormal(0, 1, rows),
    "t, 3 degrees of freedom": lambda rows: RANDOM.standard_t(3, rows),
    "zero-inflated": lambda rows: RANDOM.exponential(1, rows) * (RANDOM.random(rows) < 0.4),
    "count": lambda rows: RANDOM.poisson(2, rows).astype(float),
    "far from zero": lambda rows: 1e6 + RANDOM.normal(0, 1, rows),
    "tiny": lambda rows: RANDOM.normal(0, 1e-12, rows),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [200, 20_000])
def test_a_numbers_effect_is_the_wasserstein_distance_in_deviations(shape: str, rows: int) -> None:
    reference, window = SHAPES[shape](20_000), SHAPES[shape](rows)
    window = window + 0.3 * reference.std()
    effect = number_effect(window, quantiles_of(reference), reference.std())
    exact = wasserstein_distance(reference, window) / reference.std()
    assert effect == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("shape", SHAPES)
def test_many_rows_without_drift_have_next_to_no_effect(shape: str) -> None:
    """The tails between the outermost quantiles, too, where few points make an effect above any floor."""
    reference, window = SHAPES[shape](20_000), SHAPES[shape](20_000)
    assert number_effect(window, quantiles_of(reference), reference.std()) < 0.05


def test_a_categorys_effect_is_the_jensen_shannon_distance() -> None:
    for _ in range(20):
        reference, window = RANDOM.integers(0, 50, (2, 8))
        exact = jensenshannon(reference / reference.sum(), window / window.sum())
        assert category_effect(window, reference) == pytest.approx(exact, abs=1e-12)
    assert category_effect(reference * 3, reference) == 0.0
    assert category_effect(np.array([0, 7]), np.array([5, 0])) == pytest.approx(np.sqrt(np.log(2)))


def test_of_a_constant_the_effect_is_the_share_that_differs() -> None:
    quantiles = quantiles_of(np.full(50, 3.25, dtype=np.float32))
    assert number_effect(np.full(10, 3.25), quantiles, 0.0) == 0.0
    assert number_effect(np.array([3.25, 3.25, 3.0, 9.0]), quantiles, 0.0) == 0.5
    noise = number_noise(np.full(50, 3.25), seed=1)
    assert (noise.mean, noise.std) == (0.0, 0.0)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "zero-inflated"])
def test_noise_is_what_fresh_rows_of_the_same_population_show(shape: str) -> None:
    reference = SHAPES[shape](20_000)
    noise = number_noise(reference, seed=1)
    fresh = [
        number_effect(SHAPES[shape](noise.rows), quantiles_of(reference), reference.std())
        for _ in range(300)
    ]
    assert noise.mean == pytest.approx(np.mean(fresh), rel=0.15)
    assert noise.std == pytest.approx(np.std(fresh), rel=0.3)


def test_noise_of_a_category_is_what_fresh_rows_show() -> None:
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    noise = category_noise(shares * 20_000, seed=1)
    fresh = [category_effect(RANDOM.multinomial(noise.rows, shares), shares) for _ in range(300)]
    assert noise.mean == pytest.approx(np.mean(fresh), rel=0.15)
    assert noise.std == pytest.approx(np.std(fresh), rel=0.3)


def test_the_same_seed_gives_the_same_noise() -> None:
    values = SHAPES["normal"](300)
    assert number_noise(values, seed=4) == number_noise(values, seed=4)
    assert number_noise(values, seed=4) != number_noise(values, seed=5)


def test_levels_reach_from_the_least_to_the_greatest() -> None:
    assert len(LEVELS) == 1001
    assert (LEVELS[0], LEVELS[500], LEVELS[-1]) == (0.0, 0.5, 1.0)
