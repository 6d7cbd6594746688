"""The calendars of seasons, held against Python's own calendar, also across a change of the clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from service.bundle.seasons import buckets

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Caracas"])
def test_buckets_are_by_the_clock_of_the_zone(zone: str) -> None:
    moments = np.arange(1_700_000_000.5, 1_740_000_000, 16_127)
    local = [dt.datetime.fromtimestamp(moment, ZoneInfo(zone)) for moment in moments]
    assert buckets("month", moments, zone).tolist() == [f"{each:%m}" for each in local]
    assert buckets("weekday-hours", moments, zone).tolist() == [
        f"{DAYS[each.weekday()]} {each.hour // 6 * 6:02}-{each.hour // 6 * 6 + 6:02}"
        for each in local
    ]


def test_the_clock_goes_back_an_hour() -> None:
    """In Berlin, 2025-10-26 01:00 UTC is 02:00 for the second time."""
    change = dt.datetime(2025, 10, 26, 1, tzinfo=dt.UTC).timestamp()
    hours = change + 3600 * np.array([-8, -4, -3, -1, 0, 3, 4, 5])
    names = buckets("weekday-hours", hours, "Europe/Berlin").tolist()
    assert names == ["Sat 18-24", "Sat 18-24", *["Sun 00-06"] * 4, "Sun 06-12", "Sun 06-12"]


def test_no_moments_have_no_buckets() -> None:
    assert buckets("month", np.array([]), "UTC").tolist() == []
