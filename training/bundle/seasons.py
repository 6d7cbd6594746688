"""The seasons of a reference: what moves with the calendar, columns and outputs, with a profile a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.contract import Column, Contract, Matrix
from service.bundle.reference import CategoryProfile, NumberProfile, Profile, Season
from service.bundle.seasons import Calendar, buckets
from training.bundle.profiles import levels_of, profile_column
from training.metrics.effects import category_effect, number_effect

DAY = 86_400
#: Two cycles: what happened once may be no season.
LEAST_SPAN: dict[Calendar, float] = {"month": 2 * 365 * DAY, "weekday-hours": 14 * DAY}
BUCKET_ROWS = 500
#: A column moves with the calendar when a bucket has this effect beside all rows, and more than chance gives it.
LEAST_EFFECT = 0.05
DEVIATIONS = 4
#: The columns that move most; it bounds the file.
MOST_COLUMNS = 16


class Buckets(NamedTuple):
    """The rows of each bucket that has enough of them."""

    calendar: Calendar
    rows: dict[str, NDArray[np.intp]]


def make_seasons(
    contract: Contract,
    matrix: Matrix,
    columns: dict[str, Profile],
    moments: pd.Series[Any],
    time_zone: str,
    seed: int,
) -> Iterator[Season]:
    """Of both calendars, where the rows reach over two cycles of it. `columns` are the profiles of all rows."""
    seconds = _seconds(moments)
    for calendar in LEAST_SPAN:
        parts = _buckets(calendar, seconds, time_zone)
        moving = _moving(contract, matrix, columns, parts)
        for bucket, rows in parts.rows.items() if moving else ():
            profiles = {
                column.name: profile_column(column, matrix[rows, position], seed)
                for position, column in moving
            }
            yield Season(calendar, bucket, len(rows), profiles)


def _seconds(moments: pd.Series[Any]) -> NDArray[np.float64]:
    """Since 1970; NaN where a row has no time."""
    times = (
        pd.to_datetime(moments, utc=True, errors="coerce").dt.tz_localize(None).to_numpy("M8[us]")
    )
    seconds = times.astype(np.int64) / 1e6
    seconds[np.isnat(times)] = np.nan
    return np.asarray(seconds)


def _buckets(calendar: Calendar, seconds: NDArray[np.float64], time_zone: str) -> Buckets:
    timed = np.flatnonzero(~np.isnan(seconds))
    if timed.size == 0 or np.ptp(seconds[timed]) < LEAST_SPAN[calendar]:
        return Buckets(calendar, {})
    names = buckets(calendar, seconds[timed], time_zone)
    parts = {str(name): timed[names == name] for name in np.unique(names)}
    # Dates without hours say nothing of the day.
    if calendar == "weekday-hours" and len({name.partition(" ")[2] for name in parts}) < 2:
        parts = {}
    large = {name: rows for name, rows in parts.items() if len(rows) >= BUCKET_ROWS}
    return Buckets(calendar, large)


def _moving(
    contract: Contract, matrix: Matrix, columns: dict[str, Profile], parts: Buckets
) -> list[tuple[int, Column]]:
    """The columns that move with the calendar, with their places. A time that only runs on has no season."""
    effects = {
        position: max(
            (
                _effect(column, columns[column.name], matrix[rows, position])
                for rows in parts.rows.values()
            ),
            default=0.0,
        )
        for position, column in enumerate(contract.columns)
        if column.name in columns and (column.type, column.encode) != ("timestamp", "days")
    }
    most = sorted(effects, key=lambda position: -effects[position])[:MOST_COLUMNS]
    return [
        (position, contract.columns[position])
        for position in sorted(most)
        if effects[position] >= LEAST_EFFECT
    ]


def _effect(column: Column, whole: Profile, values: NDArray[Any]) -> float:
    """Of a bucket beside all rows; 0 where chance may have made it."""
    present = values[~np.isnan(values)]
    if whole.noise is None or present.size == 0:
        return 0.0
    if isinstance(whole, CategoryProfile):
        counts = np.bincount(present.astype(np.intp), minlength=len(levels_of(column)))
        effect = category_effect(counts, np.array(list(whole.counts.values())))
    else:
        assert isinstance(whole, NumberProfile)
        effect = number_effect(present, np.array(whole.quantiles), whole.std)
    chance = whole.noise.mean + DEVIATIONS * whole.noise.std
    return effect if effect > chance * np.sqrt(whole.noise.rows / len(present)) else 0.0
