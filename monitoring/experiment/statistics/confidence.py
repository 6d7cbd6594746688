"""Confidence sequences: intervals that hold all at once, however often one looks, so that any look may end it.

Asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024
(arXiv 2103.06476). With S the sum of independent parts without effect and V its variance so far, at every time at once

    |S| < sqrt((V + h) ln((V + h) / (h a²)))

but for a share a of the experiments. The reason: exp(sS - s²V/2) is a martingale for every s if the parts are normal,
and so is its mean over s from N(0, 1/h), which is sqrt(h / (V + h)) exp(S² / (2(V + h))). It begins at 1, so by Ville's
inequality it ever reaches 1/a with a chance of a at most; solved for S that is the line above. What is not normal comes
so near to it that the share tends to a, if looking begins with enough units: hence `LEAST_UNITS` and `LEAST_EVENTS`.
tests/bench/experiments counts how often it is wrong.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import lambertw

#: Of each arm, before a look counts: units, and of a metric that is 0 or 1 by row, rows of either outcome.
LEAST_UNITS, LEAST_EVENTS = 50, 20
#: The boundary is narrowest where the variance is so many times that of the first look that counts.
NARROWEST_AT = 5.0


class Estimate(NamedTuple):
    """A difference D = S / weight; `variance` is V, that of S. Both grow in proportion to the units."""

    difference: float
    variance: float
    weight: float


class Interval(NamedTuple):
    low: float
    high: float


def tuning_of(variance: float, level: float) -> float:
    """h, by the variance of the first look that counts: from then on it may not change with what is seen.

    The root of the derivative of the boundary by h at V* = `NARROWEST_AT` times that variance.
    """
    lower_branch = float(lambertw(-(level**2) / math.e, -1).real)
    return NARROWEST_AT * max(variance, 1e-12) / (-lower_branch - 1.0)


def half_width(estimate: Estimate, tuning: float, level: float) -> float:
    whole = estimate.variance + tuning
    return math.sqrt(whole * math.log(whole / (tuning * level**2))) / estimate.weight


def interval_of(estimate: Estimate, tuning: float, level: float) -> Interval:
    half = half_width(estimate, tuning, level)
    return Interval(estimate.difference - half, estimate.difference + half)


def growth_needed(estimate: Estimate, tuning: float, level: float, width: float) -> float:
    """How many times the units so far make the half-width no more than this; infinite where it takes over a million."""

    def is_enough(growth: float) -> bool:
        grown = Estimate(estimate.difference, estimate.variance * growth, estimate.weight * growth)
        return half_width(grown, tuning, level) <= width

    low, high = 1.0, 1.0
    while not is_enough(high):
        low, high = high, high * 2
        if high > 1e6:
            return math.inf
    while high - low > 0.01 * low:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
