"""How long a window may be, and how long truth may take."""

from __future__ import annotations

import datetime as dt

import pytest

from service.bundle.lengths import parse_horizon, parse_window


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1m", dt.timedelta(minutes=1)),
        ("36h", dt.timedelta(hours=36)),
        ("31d", dt.timedelta(days=31)),
        ("744h", dt.timedelta(days=31)),
        ("500 rows", 500),
    ],
)
def test_a_window_has_a_length_in_time_or_in_rows(text: str, length: dt.timedelta | int) -> None:
    assert parse_window(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "0m", "32d", "745h", "-1d", "1.5h", "1d ", "1D", "5", "٣d", "0 rows", "rows"],
)
def test_anything_else_is_no_window(text: str) -> None:
    with pytest.raises(ValueError):
        parse_window(text)


def test_truth_may_take_a_year() -> None:
    assert parse_horizon("366d") == dt.timedelta(days=366)
    with pytest.raises(ValueError):
        parse_horizon("367d")
