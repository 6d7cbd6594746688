"""A moment as numbers: days since 2000, or parts of the date or time, of which a cyclic one is sine and cosine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.column import CYCLES, CYCLIC, TimePart

EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
DAY = np.timedelta64(1, "D")
Numbers = NDArray[np.float64]


def time_features(
    moments: NDArray[np.datetime64], parts: Sequence[TimePart]
) -> NDArray[np.float64]:
    """Moments in UTC, a row each; NaT becomes NaN. The columns are those of all parts, side by side."""
    columns: list[Numbers] = []
    for part in parts:
        numbers = time_part(moments, part.removeprefix(CYCLIC))
        columns += (
            _wave(numbers, part.removeprefix(CYCLIC)) if part.startswith(CYCLIC) else [numbers]
        )
    # Most times are one number, for which stacking takes longer than all else.
    return np.column_stack(columns) if len(columns) > 1 else columns[0][:, np.newaxis]


def time_part(moments: NDArray[np.datetime64], part: str) -> Numbers:
    """Moments in UTC as numbers; NaT becomes NaN."""
    if part == "days":
        return (moments - EPOCH) / DAY
    days = moments.astype("M8[D]")
    if part == "day-of-year":
        numbers = (days - days.astype("M8[Y]").astype("M8[D]")) / DAY + 1.0
    elif part == "month":
        numbers = np.mod(days.astype("M8[M]").astype("int64"), 12) + 1.0
    elif part == "hour":
        numbers = (moments - days) / np.timedelta64(1, "h")
    else:
        # 1970-01-01 was a Thursday; Monday is 0.
        numbers = np.mod(days.astype("int64") + 3, 7).astype(np.float64)
    numbers[np.isnat(moments)] = np.nan
    return np.asarray(numbers, dtype=np.float64)


def _wave(numbers: Numbers, part: str) -> list[Numbers]:
    """Its place on a circle, where the last hour of a day is next to the first."""
    least, length = CYCLES[part]
    angle = (numbers - least) * (2 * np.pi / length)
    return [np.sin(angle), np.cos(angle)]


def moment(value: Any) -> np.datetime64:
    """A date or time as UTC, from ISO 8601 or Python's own; ValueError where it is neither."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if type(value) is dt.date:  # pylint: disable=unidiomatic-typecheck  # a datetime is a date too
        value = dt.datetime(value.year, value.month, value.day)
    if not isinstance(value, dt.datetime):
        raise ValueError(value)
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return np.datetime64(value, "us")
