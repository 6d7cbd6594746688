"""The shares of nulls, and of values that are none of a column's categories, beside the reference's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from monitoring.drift.categories import Table, least_level_effect, present_levels, tail_of_levels
from monitoring.drift.comparison import Comparison, percent
from monitoring.findings.values import Kind
from service.bundle.contract import OTHER_LEVEL
from service.bundle.reference import CategoryProfile, Profile


def compare_missing(
    column: str, nulls: int, rows: int, profile: Profile, floor: float
) -> Comparison:
    """The effect is the difference of the two shares, either way."""
    counts = _Counts(nulls, rows, profile.nulls, profile.rows)
    return _compare("missing", column, counts, floor, "missing")


def compare_others(
    column: str, others: int, values: int, profile: CategoryProfile, floor: float
) -> Comparison:
    """The same of values, without nulls, that the contract has no category for."""
    before = profile.counts.get(OTHER_LEVEL, 0)
    counts = _Counts(others, values, before, max(1, sum(profile.counts.values())))
    return _compare("other", column, counts, floor, "none of the categories")


class _Counts(NamedTuple):
    """How many of the window's rows, and how many of the reference's."""

    window: int
    rows: int
    reference: int
    reference_rows: int


def _compare(kind: Kind, column: str, counts: _Counts, floor: float, words: str) -> Comparison:
    share, before = counts.window / counts.rows, counts.reference / counts.reference_rows
    table = present_levels(
        np.array([counts.rows - counts.window, counts.window], dtype=np.float64),
        np.array([counts.reference_rows - counts.reference, counts.reference], dtype=np.float64),
    )
    return Comparison(
        kind=kind,
        column=column,
        rows=counts.rows,
        effect=abs(share - before),
        p=tail_of_levels(table),
        floor=floor,
        least_effect=lambda level: _least_difference(table, level),
        change=f"{percent(before)} of the values were {words}, now {percent(share)}",
        details={
            "share": {"reference": before, "window": share},
            "reference_rows": counts.reference_rows,
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
