"""A population of twelve correlated columns, drawn fresh for each window, and the shifts that a monitor should find.

Eight numbers (normal, lognormal, uniform, gamma, bimodal, t with 3 degrees of freedom, zero-inflated, count) and
categories of 2, 3, 8 and 20 levels. Each is a normal score of one common factor and of noise, mapped by its quantiles.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from service.bundle.contract import Column, Contract, Output

Floats = NDArray[np.float64]
NUMBERS = ("normal", "lognormal", "uniform", "gamma", "bimodal", "t3", "zero_inflated", "count")
LEVELS = {"category_2": 2, "category_3": 3, "category_8": 8, "category_20": 20}
NAMES = (*NUMBERS, *LEVELS)
#: By column, how much of it is the common factor.
LOADINGS = np.array([0.7, 0.6, 0.5, 0.6, 0.4, 0.5, 0.5, 0.6, 0.4, 0.5, 0.3, 0.4])
LEVEL_NAMES = {
    name: tuple(f"level {number}" for number in range(size)) for name, size in LEVELS.items()
}
_GRID = np.linspace(0.0, 1.0, 100_001)[1:-1]


def _level_shares(size: int) -> Floats:
    shares = 0.8 ** np.arange(size)
    return np.asarray(shares / shares.sum())


@functools.cache
def _tables() -> dict[str, Floats]:
    """The quantiles of each number at `_GRID`."""
    halves = np.concatenate([stats.norm.ppf(_GRID, -2.0, 0.7), stats.norm.ppf(_GRID, 2.0, 0.7)])
    places = np.linspace(0.0, 1.0, halves.size)
    zero = np.where(_GRID < 0.6, 0.0, stats.gamma.ppf(np.maximum(_GRID - 0.6, 0) / 0.4, 2.0))
    return {
        "lognormal": np.exp(0.8 * special.ndtri(_GRID)),
        "uniform": _GRID,
        "gamma": stats.gamma.ppf(_GRID, 2.0),
        # As np.quantile has it, which takes 20 s for so many at once.
        "bimodal": np.interp(_GRID, places, np.sort(halves)),
        "t3": stats.t.ppf(_GRID, 3),
        "zero_inflated": zero,
        "count": stats.poisson.ppf(_GRID, 4.0),
    }


_EDGES = {name: np.cumsum(_level_shares(size))[:-1] for name, size in LEVELS.items()}


def draw(rows: int, random: np.random.Generator, unrelated: str = "") -> Floats:
    """Rows of the population; the column `unrelated`, if any, has its distribution but no part in the common factor."""
    loadings = np.where(np.array(NAMES) == unrelated, 0.0, LOADINGS)
    factor = random.standard_normal((rows, 1))
    noise = random.standard_normal((rows, len(NAMES)))
    scores = factor * loadings + noise * np.sqrt(1 - loadings**2)
    matrix: Floats = np.empty(scores.shape)
    for position, name in enumerate(NAMES):
        if name == "normal":
            matrix[:, position] = scores[:, position]
            continue
        level = special.ndtr(scores[:, position])
        if name in LEVELS:
            matrix[:, position] = np.searchsorted(_EDGES[name], level)
        else:
            matrix[:, position] = np.interp(level, _GRID, _tables()[name])
    return matrix


def contract() -> Contract:
    numbers = [Column(name, "number") for name in NUMBERS]
    categories = [Column(name, "category", categories=LEVEL_NAMES[name]) for name in LEVELS]
    return Contract("population", "regression", (*numbers, *categories), (Output("value"),))
