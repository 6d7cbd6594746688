"""Effect sizes of drift: how far values lie from a reference, and how far chance alone takes a sample of its rows.

A number's effect is the Wasserstein distance in standard deviations of the reference, a category's the
Jensen-Shannon distance. Both are 0 for equal distributions; the floor of a spec's `[monitor]` is in their unit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.reference import Noise

Floats = NDArray[np.float64]

#: Where a reference keeps its quantiles. With 101 points, 20,000 rows of a heavy-tailed column without any drift have
#: an effect of 0.19, which is an alarm in every window; with 1,001 it is 0.024.
LEVELS = np.linspace(0.0, 1.0, 1001)
NOISE_ROWS = 500
NOISE_DRAWS = 400


def quantiles_of(values: NDArray[Any]) -> Floats:
    """The quantiles of values without nulls at `LEVELS`."""
    return np.asarray(np.quantile(np.asarray(values, dtype=np.float64), LEVELS))


def number_effect(values: NDArray[Any], quantiles: NDArray[Any], std: float) -> float:
    """The effect of values without nulls, beside a reference with these quantiles at `LEVELS` and this deviation.

    A constant has no deviation to measure in: its effect is the share of values that differ from it.
    """
    return float(
        _number_effects(np.asarray(values, dtype=np.float64)[np.newaxis], quantiles, std)[0]
    )


def category_effect(counts: NDArray[Any], reference: NDArray[Any]) -> float:
    """The effect of counts, beside those of the reference in the same order of levels."""
    return float(_category_effects(np.asarray(counts)[np.newaxis], reference)[0])


def number_noise(values: NDArray[Any], seed: int) -> Noise:
    """By chance, against the whole of these values, which hold no nulls."""
    values = np.asarray(values, dtype=np.float64)
    rows = np.random.default_rng(seed).integers(0, len(values), (NOISE_DRAWS, NOISE_ROWS))
    return _noise(_number_effects(values[rows], quantiles_of(values), float(values.std())))


def category_noise(counts: NDArray[Any], seed: int) -> Noise:
    """By chance, against the whole of these counts, of which one at least is above 0."""
    shares = np.asarray(counts, dtype=np.float64) / np.sum(counts)
    drawn = np.random.default_rng(seed).multinomial(NOISE_ROWS, shares, NOISE_DRAWS)
    return _noise(_category_effects(drawn, counts))


def _noise(effects: Floats) -> Noise:
    return Noise(NOISE_ROWS, float(effects.mean()), float(effects.std()))


def _number_effects(samples: Floats, quantiles: NDArray[Any], std: float) -> Floats:
    """By row of `samples`. Both sides sorted, the mean distance of partners is the Wasserstein distance."""
    if quantiles[0] == quantiles[-1]:
        return np.asarray((samples != quantiles[0]).mean(axis=1))
    size = samples.shape[1]
    partners = np.interp((np.arange(size) + 0.5) / size, LEVELS, quantiles)
    return np.asarray(np.abs(np.sort(samples, axis=1) - partners).mean(axis=1) / std)


def _category_effects(samples: NDArray[Any], reference: NDArray[Any]) -> Floats:
    """By row of `samples`: the root of the divergence of either side from their middle, by the natural logarithm."""
    ours = samples / samples.sum(axis=1, keepdims=True)
    theirs = np.asarray(reference, dtype=np.float64) / np.sum(reference)
    middle = (ours + theirs) / 2
    divergence = (_divergences(ours, middle) + _divergences(theirs, middle)) / 2
    # Rounding takes a divergence of equal shares below 0, by less than 1e-16.
    return np.asarray(np.sqrt(np.maximum(divergence, 0.0)))


def _divergences(shares: Floats, middle: Floats) -> Floats:
    """Kullback-Leibler; a level that does not occur adds nothing."""
    ratio = np.divide(shares, middle, out=np.ones_like(middle), where=shares > 0)
    return np.asarray((shares * np.log(ratio)).sum(axis=1))
