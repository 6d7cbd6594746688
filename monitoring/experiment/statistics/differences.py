"""The difference of two arms in a mean by row, with its variance by unit, over the stages of a ramp.

A unit is a subject with all its rows, or a request where there is no subject: rows of one subject are alike, and an
experiment that takes them for independent gives wrong verdicts in a fifth of the cases.

Each stage has its own difference, and they are averaged: requests of a stage with little share for the challenger and
of a later one with more come from other times, and pooled over both, a trend in time looks like an effect (Simpson's
paradox on a ramp: Crook, Frasca, Kohavi and Longbotham, KDD 2009).

With u units and N rows of an arm in stage s, weight t_s = u_1 u_0 / (u_1 + u_0), and residuals r_i = y_i - mean n_i of
the units, S = sum t_s D_s is to first order the sum over the units of z_i = sum over the stages of
±t_s r_is / N of its arm there. Units are independent of each other, not a unit of itself in another stage: so V is the
sum of z_i squared, in which the stages of one unit are added before the square.

The arm with fewer units is taken to vary no less than the other. A few dozen units of a skewed loss lack its rare great
values, so that their mean and their variance are too small together: without this, 7 of 100 challengers with a share of
5 % were said to have a smaller error that was the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.experiment.statistics.confidence import Estimate

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]
CHAMPION, CHALLENGER = 0, 1
#: A stage with fewer units of an arm has no variance that can be estimated.
LEAST_IN_STAGE = 20


class Sums(NamedTuple):
    """By line the sums over one unit, or over so many `units` of which none is in another line.

    The mean is sum(values) / sum(rows); the others are sums of the products by unit.
    """

    stage: Numbers
    arm: Numbers
    #: The number of the unit, the same in every stage; below 0 where the line is of units that are in one stage alone.
    unit: Numbers
    units: Floats
    rows: Floats
    values: Floats
    rows_rows: Floats
    rows_values: Floats
    values_values: Floats


class Difference(NamedTuple):
    """Challenger less champion. The means are weighted as the difference is, so that it is theirs."""

    estimate: Estimate
    champion: float
    challenger: float


def units_of(sums: Sums) -> tuple[int, int]:
    """Of champion and challenger; one that is in several stages counts once."""
    counts = []
    for arm in (CHAMPION, CHALLENGER):
        lines = sums.arm == arm
        single = sums.units[lines & (sums.unit < 0)].sum()
        counts.append(round(single) + len(np.unique(sums.unit[lines & (sums.unit >= 0)])))
    return counts[CHAMPION], counts[CHALLENGER]


def totals_of(sums: Sums) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rows and the sum of values, of champion and of challenger."""
    by_arm = [sums.arm == arm for arm in (CHAMPION, CHALLENGER)]
    first, second = (
        (float(sums.rows[lines].sum()), float(sums.values[lines].sum())) for lines in by_arm
    )
    return first, second


def difference_of(sums: Sums) -> Difference | None:
    """None where no stage has enough units of both arms."""
    if sums.stage.size == 0:
        return None
    cell = sums.stage * 2 + sums.arm
    cells = 2 * (int(sums.stage.max()) + 1)

    def add(column: Floats) -> Floats:
        return np.asarray(np.bincount(cell, column, cells), np.float64).reshape(-1, 2)

    units, rows = add(sums.units), add(sums.rows)
    means = add(sums.values) / np.maximum(rows, 1)
    usable = (units >= LEAST_IN_STAGE).all(axis=1)
    weights = np.where(usable, units.prod(axis=1) / np.maximum(units.sum(axis=1), 1), 0.0)
    weight = float(weights.sum())
    if not weight:
        return None
    champion, challenger = (weights @ means / weight).tolist()
    # The variance of a sample is too small by the factor (u - 1) / u.
    small = np.sqrt(units / np.maximum(units - 1, 1)) * _inflation(sums, units, rows, means)
    factors = weights[:, np.newaxis] * small / np.maximum(rows, 1) * [-1.0, 1.0]
    estimate = Estimate(challenger - champion, _variance(sums, factors, means), weight)
    return Difference(estimate, champion, challenger)


def _squares(sums: Sums, means: Floats) -> Floats:
    """By line the sum of the squared residuals."""
    mean = means[sums.stage, sums.arm]
    return sums.values_values - 2 * mean * sums.rows_values + mean**2 * sums.rows_rows


def _inflation(sums: Sums, units: Floats, rows: Floats, means: Floats) -> Floats:
    """By stage and arm, the factor of its residuals: above 1 for the arm with fewer units where it varies less."""
    lines, cells = sums.stage * 2 + sums.arm, len(units) * 2
    squares = np.bincount(lines, _squares(sums, means), cells).reshape(-1, 2)
    # Of a unit of average size, so that arms with other numbers of rows can be held against each other.
    spread = np.sqrt(np.maximum(squares, 0.0) * units) / np.maximum(rows, 1)
    others, fewer = spread[:, ::-1], units < units[:, ::-1]
    ratio = np.divide(others, spread, out=np.ones_like(spread), where=spread > 0)
    return np.asarray(np.where(fewer, np.maximum(ratio, 1.0), 1.0))


def _variance(sums: Sums, factors: Floats, means: Floats) -> float:
    """The sum over all units of their squared influence."""
    factor, mean = factors[sums.stage, sums.arm], means[sums.stage, sums.arm]
    alone, squares = sums.unit < 0, _squares(sums, means)
    total = float((factor**2 * squares)[alone].sum())
    if alone.all():
        return total
    influence = (factor * (sums.values - mean * sums.rows))[~alone]
    return total + float((np.bincount(sums.unit[~alone], influence) ** 2).sum())
