"""A moment as a number: days since 2000, or a part of the date or time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import TimePart

EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
DAY = np.timedelta64(1, "D")


def time_part(moments: NDArray[np.datetime64], part: TimePart) -> NDArray[np.float64]:
    """Moments in UTC as numbers; NaT becomes NaN."""
    if part == "days":
        return (moments - EPOCH) / DAY
    days = moments.astype("M8[D]")
    if part == "day-of-year":
        numbers = (days - days.astype("M8[Y]").astype("M8[D]")) / DAY + 1.0
    elif part == "hour":
        numbers = (moments - days) / np.timedelta64(1, "h")
    else:
        # 1970-01-01 was a Thursday; Monday is 0.
        numbers = np.mod(days.astype("int64") + 3, 7).astype(np.float64)
    numbers[np.isnat(moments)] = np.nan
    return np.asarray(numbers, dtype=np.float64)


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
