"""Distributions that a search draws parameters from, besides SciPy's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class LogInteger(NamedTuple):
    """Whole numbers from `low` to `high`, each doubling as probable as the next."""

    low: int
    high: int

    def rvs(self, random_state: np.random.RandomState) -> int:
        drawn = np.exp(random_state.uniform(np.log(self.low), np.log(self.high + 1)))
        return min(self.high, int(drawn))
