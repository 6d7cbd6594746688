"""An estimate with its deviation, and its interval within a metric's range."""

from __future__ import annotations

import math
from typing import NamedTuple

from monitoring.window.values import TruthRows, Window

#: Standard deviations to either side of 95 %.
WIDTH = 1.959964
#: What can be estimated: predictions as a window has them, or those of them whose truth is in.
Predictions = Window | TruthRows


class Estimate(NamedTuple):
    """`deviation` is of what the metric will be once these rows' truth is in, less `value`."""

    value: float
    deviation: float
    low: float
    high: float


def around(value: float, deviation: float, least: float, most: float) -> Estimate:
    """The 95 % interval, cut to the metric's range."""
    reach = WIDTH * deviation
    return Estimate(value, deviation, max(value - reach, least), min(value + reach, most))


def root_of(square: Estimate) -> Estimate:
    """The root of an estimate that is not negative, and of its interval's ends."""
    low, high = math.sqrt(square.low), math.sqrt(square.high)
    return Estimate(math.sqrt(square.value), (high - low) / (2 * WIDTH), low, high)
