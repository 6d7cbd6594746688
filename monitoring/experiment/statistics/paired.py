"""The verdict of a shadow: both arms answered the same requests, so that only those count in which they differ.

It needs a fifth to a third of the rows of a split, and no caller meets the challenger.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from monitoring.experiment.statistics.confidence import Estimate

#: The prior of the chance that a difference is in the challenger's favour, symmetric about a half.
PRIOR = 10.0


class Pairs(NamedTuple):
    """By line the sums over so many `units`: rows with truth, and by how much the challenger lost less in them."""

    units: NDArray[np.float64]
    rows: NDArray[np.float64]
    values: NDArray[np.float64]
    rows_rows: NDArray[np.float64]
    rows_values: NDArray[np.float64]
    values_values: NDArray[np.float64]


def difference_of(pairs: Pairs) -> Estimate | None:
    """The mean of the differences by row, with units as what is independent; None of fewer than two."""
    units, rows = float(pairs.units.sum()), float(pairs.rows.sum())
    if units < 2 or not rows:
        return None
    mean = float(pairs.values.sum()) / rows
    squares = (pairs.values_values - 2 * mean * pairs.rows_values + mean**2 * pairs.rows_rows).sum()
    spread = units / (units - 1) * max(float(squares), 0.0) / rows**2
    return Estimate(mean, units**2 * spread, units)


def log_evidence(better: float, worse: float) -> float:
    """For a difference, of units of one row in which one arm alone was right.

    Where the arms are equally good each of these is a fair coin: the likelihood under a chance drawn from
    Beta(10, 10), divided by that under a half, is a martingale that begins at 1; Ville's inequality does the rest.
    """
    count = better + worse
    return float(betaln(PRIOR + better, PRIOR + worse) - betaln(PRIOR, PRIOR)) + count * math.log(2)
