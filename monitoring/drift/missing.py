"""The share of nulls of one column beside the reference's."""

from __future__ import annotations

import math

import numpy as np

from monitoring.drift.categories import Table, least_level_effect, present_levels, tail_of_levels
from monitoring.drift.comparison import Comparison, percent
from service.bundle.reference import Profile


def compare_missing(
    column: str, nulls: int, rows: int, profile: Profile, floor: float
) -> Comparison:
    """The effect is the difference of the two shares, either way."""
    share, before = nulls / rows, profile.nulls / profile.rows
    table = present_levels(
        np.array([rows - nulls, nulls], dtype=np.float64),
        np.array([profile.rows - profile.nulls, profile.nulls], dtype=np.float64),
    )
    return Comparison(
        kind="missing",
        column=column,
        rows=rows,
        effect=abs(share - before),
        p=tail_of_levels(table),
        floor=floor,
        least_effect=lambda level: _least_difference(table, level),
        change=f"{percent(before)} of the values were missing, now {percent(share)}",
        details={
            "share": {"reference": before, "window": share},
            "reference_rows": profile.rows,
            "direction": [share - before],
        },
    )


def _least_difference(table: Table, level: float) -> float:
    """From the distance of Jensen and Shannon to that of shares: a half and less, where nulls are seldom far less."""
    if len(table.window) < 2:
        # Of so few nulls none was seen: that many of the window's rows would be too many for chance.
        share = table.window.sum() / (table.window.sum() + table.reference.sum())
        return float(min(1.0, math.log(level / 2) / math.log(share) / table.window.sum()))
    both = (table.window + table.reference)[1] / (table.window.sum() + table.reference.sum())
    return float(least_level_effect(table, level) * math.sqrt(8 * both * (1 - both)))
