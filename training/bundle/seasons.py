"""The seasons of a reference: what moves with the calendar, columns and outputs, with a profile a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.contract import Column, Contract, Matrix, Part
from service.bundle.reference import NumberProfile, Profile, Season
from service.bundle.seasons import Calendar, buckets
from training.bundle.profiles import profile_column
from training.metrics.effects import category_effect, number_effect

DAY = 86_400
#: Two cycles: what happened once may be no season.
LEAST_SPAN: dict[Calendar, float] = {"month": 2 * 365 * DAY, "weekday-hours": 14 * DAY}
BUCKET_ROWS = 500
#: A column moves with the calendar when a bucket has this effect beside all rows: with less, no window is an alarm.
LEAST_EFFECT = 0.1
#: And when chance has not made it: in standard deviations, of the bucket that differs most, or of all in the mean.
DEVIATIONS_OF_ONE = 6
DEVIATIONS_OF_MEAN = 4
#: The columns that move most; it bounds the file.
MOST_COLUMNS = 16


#: The rows of each bucket that has enough of them.
Buckets = dict[str, NDArray[np.intp]]


def make_seasons(
    contract: Contract,
    matrix: Matrix,
    columns: dict[str, Profile],
    moments: pd.Series[Any],
    time_zone: str,
    seed: int,
) -> Iterator[Season]:
    """The seasons of each calendar of which the rows reach over two cycles. `columns` are the profiles of all rows."""
    seconds = _seconds(moments)
    for calendar in LEAST_SPAN:
        parts = _buckets(calendar, seconds, time_zone)
        moving = _moving(contract, matrix, columns, parts)
        for bucket, rows in parts.items() if moving else ():
            profiles = {
                part.name: profile_column(part.column, part.values(matrix[rows]), seed)
                for part in moving
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
        return {}
    names = buckets(calendar, seconds[timed], time_zone)
    parts = {str(name): timed[names == name] for name in np.unique(names)}
    # Dates without hours say nothing of the day.
    if calendar == "weekday-hours" and len({name.partition(" ")[2] for name in parts}) < 2:
        parts = {}
    return {name: rows for name, rows in parts.items() if len(rows) >= BUCKET_ROWS}


def _moving(
    contract: Contract, matrix: Matrix, columns: dict[str, Profile], parts: Buckets
) -> list[Part]:
    """The parts of columns that move with the calendar. A time that only runs on has no season."""
    strengths = {
        part.name: _strength(part.column, columns[part.name], part.values(matrix), parts)
        for part in contract.parts
        if part.name in columns and part.time != "days"
    }
    most = sorted(strengths, key=lambda name: -strengths[name])[:MOST_COLUMNS]
    return [part for part in contract.parts if part.name in most and strengths[part.name]]


def _strength(column: Column, whole: Profile, values: NDArray[Any], parts: Buckets) -> float:
    """The largest effect of a bucket beside all rows; 0 where it is small, or chance may have made it."""
    present = [values[rows][~np.isnan(values[rows])] for rows in parts.values()]
    present = [bucket for bucket in present if bucket.size]
    if whole.noise is None or not present or whole.noise.std == 0:
        return 0.0
    effects = np.array([_effect(column, whole, bucket) for bucket in present])
    smaller = np.sqrt(whole.noise.rows / np.array([bucket.size for bucket in present]))
    deviations = (effects / smaller - whole.noise.mean) / whole.noise.std
    by_chance = (
        deviations.max() < DEVIATIONS_OF_ONE
        and deviations.mean() * np.sqrt(len(present)) < DEVIATIONS_OF_MEAN
    )
    return 0.0 if by_chance or effects.max() < LEAST_EFFECT else float(effects.max())


def _effect(column: Column, whole: Profile, values: NDArray[Any]) -> float:
    if isinstance(whole, NumberProfile):
        return number_effect(values, np.array(whole.quantiles), whole.std)
    counts = np.bincount(values.astype(np.intp), minlength=len(column.levels))
    return category_effect(counts, np.array(list(whole.counts.values())))
