"""Lengths of windows and of the wait for truth, as a spec and the monitor's settings write them.

A module of its own, without NumPy: settings are read before the number of its threads is set.
"""

from __future__ import annotations

import datetime as dt
import re

UNITS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
LONGEST_WINDOW = dt.timedelta(days=31)
LONGEST_HORIZON = dt.timedelta(days=366)
LONGEST_AGE = dt.timedelta(days=36_500)


def parse_window(text: str) -> dt.timedelta | int:
    """The length of a window in time, or in rows; ValueError where it is neither."""
    rows = re.fullmatch(r"([1-9][0-9]{0,8}) rows", text)
    return int(rows[1]) if rows else _parse_time(text, LONGEST_WINDOW)


def parse_horizon(text: str) -> dt.timedelta:
    """How long windows are judged again; ValueError where it is no such time."""
    return _parse_time(text, LONGEST_HORIZON)


def parse_age(text: str) -> dt.timedelta:
    """How old the rows of a training may be; ValueError where it is no such time."""
    return _parse_time(text, LONGEST_AGE)


def _parse_time(text: str, longest: dt.timedelta) -> dt.timedelta:
    parts = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if parts is None or (length := int(parts[1]) * UNITS[parts[2]]) > longest:
        raise ValueError(text)
    return length
