"""Seasons: where rows reach over two cycles, a bucket has rows enough, and the column moves with the calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from service.bundle.contract import Column, Contract, Matrix, Output
from service.bundle.reference import CategoryProfile, NumberProfile, Season
from training.bundle.profiles import profile_column
from training.bundle.seasons import BUCKET_ROWS, MOST_COLUMNS, make_seasons

CONTRACT = Contract(
    "field",
    "regression",
    (
        Column("warmth", "number"),
        Column("weed", "category", categories=("nettle", "thistle")),
        Column("soil", "number"),
        Column("sown", "timestamp"),
    ),
    (Output("harvest"),),
)
ROWS = 12_000


def rows_over(days: float, start: str = "2023-01-01") -> tuple[Matrix, pd.Series]:
    """Warm in summer and at noon, thistles in the second half of the year and of the week; soil is always the same."""
    random = np.random.default_rng(5)
    moments = pd.Timestamp(start, tz="UTC") + pd.to_timedelta(
        np.sort(random.uniform(0, days, ROWS)), "D"
    )
    year = 2 * np.pi * moments.dayofyear / 365.25
    day = 2 * np.pi * moments.hour / 24
    warmth = -5 * np.cos(year) - 5 * np.cos(day) + random.normal(0, 1, ROWS)
    odds = 0.2 + 0.3 * (moments.month > 6) + 0.3 * (moments.weekday > 2)
    columns = [warmth, random.random(ROWS) < odds, random.normal(0, 1, ROWS)]
    sown = (moments - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta("1D")
    return np.column_stack([*columns, sown]).astype(np.float32), pd.Series(moments)


def seasons_of(
    matrix: Matrix, moments: pd.Series, zone: str = "UTC", contract: Contract = CONTRACT
) -> dict[str, Season]:
    columns = {
        column.name: profile_column(column, matrix[:, position], 1)
        for position, column in enumerate(contract.columns)
    }
    seasons = list(make_seasons(contract, matrix, columns, moments, zone, 1))
    return {f"{season.calendar} {season.bucket}": season for season in seasons}


def test_two_years_have_months_and_parts_of_weekdays() -> None:
    matrix, moments = rows_over(800)
    seasons = seasons_of(matrix, moments, "Europe/Berlin")
    july = seasons["month 07"]
    warmth, weed = july.columns["warmth"], july.columns["weed"]
    assert isinstance(warmth, NumberProfile) and isinstance(weed, CategoryProfile)
    local = moments.dt.tz_convert("Europe/Berlin")
    rows = (local.dt.month == 7).to_numpy()
    assert july.rows == warmth.rows == weed.rows == rows.sum() >= BUCKET_ROWS
    assert warmth.mean == pytest.approx(matrix[rows, 0].mean(), rel=1e-5)
    assert weed.counts["thistle"] == matrix[rows, 1].sum()


def test_what_does_not_move_with_the_calendar_is_left_to_all_rows() -> None:
    """Fewer rows say less, and a time that only runs on has no season."""
    seasons = seasons_of(*rows_over(800))
    assert {name for season in seasons.values() for name in season.columns} == {"warmth", "weed"}


def test_less_than_two_years_have_no_months() -> None:
    seasons = seasons_of(*rows_over(700))
    assert not any(name.startswith("month") for name in seasons)


def test_weeks_have_parts_of_the_day_by_the_clock_of_the_zone() -> None:
    matrix, moments = rows_over(28, "2024-03-04")
    # 28 buckets of 12,000 rows have fewer than 500 each.
    assert seasons_of(matrix, moments) == {}
    matrix, moments = np.tile(matrix, (2, 1)), pd.concat([moments, moments], ignore_index=True)
    utc = seasons_of(matrix, moments, "UTC")
    assert len(utc) == 28 and "weekday-hours Sat 12-18" in utc
    night, noon = (
        utc[f"weekday-hours Sat {part}"].columns["warmth"] for part in ("00-06", "12-18")
    )
    assert isinstance(night, NumberProfile) and isinstance(noon, NumberProfile)
    assert noon.mean > night.mean + 4
    tokyo = seasons_of(matrix, moments, "Asia/Tokyo")["weekday-hours Sat 12-18"].columns["warmth"]
    assert isinstance(tokyo, NumberProfile) and tokyo.mean < noon.mean - 4


def test_dates_without_hours_say_nothing_of_the_day() -> None:
    matrix, moments = rows_over(28)
    assert not seasons_of(
        np.tile(matrix, (2, 1)), pd.concat([moments.dt.floor("D")] * 2, ignore_index=True)
    )


def test_rows_without_a_time_are_in_no_bucket() -> None:
    matrix, moments = rows_over(800)
    whole = seasons_of(matrix, moments)["month 07"].rows
    moments[moments.dt.month == 7] = moments[moments.dt.month == 7].where(
        np.arange((moments.dt.month == 7).sum()) % 4 > 0
    )
    assert seasons_of(matrix, moments)["month 07"].rows == pytest.approx(0.75 * whole, abs=1)


def test_times_as_text_are_read_and_what_is_none_is_passed_over() -> None:
    matrix, moments = rows_over(800)
    text = moments.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert seasons_of(matrix, text).keys() == seasons_of(matrix, moments).keys()
    assert seasons_of(matrix, pd.Series(["soon"] * ROWS)) == {}


def test_the_columns_that_move_most_bound_the_file() -> None:
    matrix, moments = rows_over(800)
    many = [Column(f"c{number}", "number") for number in range(MOST_COLUMNS + 3)]
    wide = np.repeat(matrix[:, :1], len(many), axis=1)
    wide[:, :3] += np.random.default_rng(1).normal(0, 20, (ROWS, 3))
    contract = Contract("field", "regression", tuple(many), (Output("harvest"),))
    seasons = seasons_of(wide, moments, contract=contract)
    assert [*seasons["month 07"].columns] == [f"c{number}" for number in range(3, MOST_COLUMNS + 3)]
