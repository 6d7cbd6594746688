"""The calendars of seasons: which bucket a moment lies in, by the clock on the wall of a time zone."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Calendar = Literal["month", "weekday-hours"]
CALENDARS: tuple[Calendar, ...] = get_args(Calendar)
#: Hours of a part of the day.
PART = 6
#: Offsets change at whole quarters of an hour, so that each quarter is looked up once.
QUARTER = 900


def buckets(calendar: Calendar, moments: NDArray[Any], time_zone: str) -> NDArray[np.str_]:
    """The bucket of each moment, given in seconds since 1970: a month as "07", or hours of a weekday as "Mon 06-12"."""
    local = _local(moments, time_zone)
    if calendar == "month":
        names = [f"{month:02}" for month in range(1, 13)]
        return np.asarray(np.array(names)[_months(local)])
    names = [
        f"{day} {start:02}-{start + PART:02}"
        for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        for start in range(0, 24, PART)
    ]
    # 1970-01-01 was a Thursday.
    weekday, hour = (local // 86_400 + 3) % 7, local % 86_400 // 3600
    return np.asarray(np.array(names)[weekday * (24 // PART) + hour // PART])


def _local(moments: NDArray[Any], time_zone: str) -> NDArray[np.int64]:
    """What the clock on the wall shows, counted as if it were UTC."""
    seconds = np.floor(np.asarray(moments, dtype=np.float64)).astype(np.int64)
    quarters, places = np.unique(seconds // QUARTER, return_inverse=True)
    zone = ZoneInfo(time_zone)
    offsets = [_offset(int(quarter) * QUARTER, zone) for quarter in quarters]
    return seconds + np.array(offsets, dtype=np.int64)[places]


def _offset(moment: int, zone: ZoneInfo) -> int:
    offset = dt.datetime.fromtimestamp(moment, zone).utcoffset()
    assert offset is not None  # a moment with a zone has one
    return int(offset.total_seconds())


def _months(local: NDArray[np.int64]) -> NDArray[np.int64]:
    return local.astype("M8[s]").astype("M8[M]").astype(np.int64) % 12
