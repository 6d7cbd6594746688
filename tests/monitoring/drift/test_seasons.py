"""Windows of a season are compared with that season, where the reference has it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from monitoring.drift import judge_columns, judge_drift
from monitoring.findings.values import Finding
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from tests.support.monitoring.windows import reference_of, window_of
from training.bundle.profiles import profile_numbers
from training.bundle.seasons import make_seasons

CONTRACT = Contract(
    "m",
    "regression",
    (
        Column("warmth", "number"),
        Column("weather", "category", categories=("sun", "rain")),
        Column("steady", "number"),
    ),
    (Output("value"),),
)
FIRST = dt.datetime(2023, 1, 1, tzinfo=dt.UTC).timestamp()
YEAR = 365.25 * 86_400


def rows_at(seconds: NDArray[Any], seed: int, warmer: float = 0.0) -> NDArray[Any]:
    """Warm and dry in summer, by the middle of July."""
    random = np.random.default_rng(seed)
    summer = -np.cos(2 * np.pi * (seconds - FIRST) / YEAR - 0.25)
    return np.column_stack(
        [
            10 + 10 * summer + random.normal(0, 3, len(seconds)) + warmer,
            random.random(len(seconds)) < 0.5 - 0.3 * summer,
            random.normal(size=len(seconds)),
        ]
    )


def seasonal() -> Reference:
    """Three years, a row an hour."""
    seconds = FIRST + np.arange(3 * 8_766) * 3_600.0
    rows = rows_at(seconds, seed=1)
    plain = reference_of(CONTRACT, rows)
    moments = pd.Series(pd.to_datetime(pd.Series(seconds), unit="s", utc=True))
    matrix = rows.astype(np.float32)
    seasons = make_seasons(CONTRACT, matrix, plain.columns, moments, "UTC", 0)
    return reference_of(CONTRACT, rows, seasons=tuple(seasons))


REFERENCE = seasonal()
RULES = MonitorRules()


def drift_of(start: dt.datetime, days: int, warmer: float = 0.0) -> dict[str, Finding]:
    return {
        finding.column: finding
        for finding in judge_columns(window_at(start, days, warmer), REFERENCE, CONTRACT, RULES)
        if finding.kind == "drift"
    }


def window_at(start: dt.datetime, days: int, warmer: float = 0.0) -> Any:
    at = np.asarray(start.timestamp() + np.arange(1_000) * (86.4 * days), dtype=np.float64)
    window = window_of(
        rows_at(at, seed=2, warmer=warmer), start=start, length=dt.timedelta(days=days)
    )
    return window._replace(at=at)


def test_a_summers_day_is_no_drift_beside_summers() -> None:
    drift = drift_of(dt.datetime(2026, 7, 10, tzinfo=dt.UTC), days=8)
    assert {finding.verdict for finding in drift.values()} == {"ok"}
    assert drift["warmth"].details["reference"] == {
        "of": "season",
        "calendar": "month",
        "buckets": {"07": 1.0},
    }
    assert drift["steady"].details["reference"] == {"of": "all rows"}


def test_a_hot_summer_is_drift_beside_summers() -> None:
    drift = drift_of(dt.datetime(2026, 7, 10, tzinfo=dt.UTC), days=8, warmer=3.0)
    assert drift["warmth"].verdict == "raised"
    assert drift["weather"].verdict == "ok"


def test_a_window_over_two_months_is_compared_with_both_by_their_shares() -> None:
    drift = drift_of(dt.datetime(2026, 7, 22, tzinfo=dt.UTC), days=20)
    # July goes on cooling into August, so that the middle of the two is close to either and equal to none.
    effect = drift["warmth"].value
    assert effect is not None and effect < 0.2
    buckets = drift["warmth"].details["reference"]["buckets"]
    assert buckets == {"07": 0.5, "08": 0.5}
    assert drift["weather"].details["reference"]["buckets"] == buckets


def test_a_month_that_the_reference_lacks_is_compared_with_all_rows_and_says_so() -> None:
    without = REFERENCE.seasons[:6] + REFERENCE.seasons[7:]
    reference = Reference(
        rows=REFERENCE.rows, columns=REFERENCE.columns, predictions={}, seasons=without
    )
    window = window_at(dt.datetime(2026, 7, 10, tzinfo=dt.UTC), 8)
    finding = judge_columns(window, reference, CONTRACT, RULES)[0]
    assert finding.verdict == "raised"
    assert finding.details["reference"] == {
        "of": "all rows",
        "why": "the reference has too few rows of month 07",
    }


def test_the_relation_leaves_out_what_moves_with_the_calendar() -> None:
    window = window_at(dt.datetime(2026, 7, 10, tzinfo=dt.UTC), 8)
    (relation,) = (
        finding
        for finding in judge_drift(window, REFERENCE, CONTRACT, RULES)
        if finding.kind == "relation"
    )
    assert (relation.verdict, relation.reason) == (
        "unknown",
        "fewer than two columns may be compared",
    )


def test_what_the_model_answers_in_summer_is_compared_with_what_it_answers_to_summers() -> None:
    seconds = FIRST + np.arange(3 * 8_766) * 3_600.0
    rows = rows_at(seconds, seed=1)
    # The model answers the warmth; its held-out rows are the newest, of one winter.
    seasons = [
        replace(season, columns={**season.columns, "value": season.columns["warmth"]})
        for season in REFERENCE.seasons
    ]
    winter = profile_numbers(rows[-1_000:, 0], 0)
    reference = reference_of(CONTRACT, rows, {"value": winter}, seasons=tuple(seasons))
    window = window_at(dt.datetime(2026, 7, 10, tzinfo=dt.UTC), 8)
    window = window._replace(values=window.matrix[:, :1].astype(np.float64))

    def prediction(of: Any) -> Finding:
        (finding,) = (
            finding
            for finding in judge_columns(of, reference, CONTRACT, RULES)
            if finding.kind == "prediction"
        )
        return finding

    assert prediction(window).verdict == "ok"
    assert prediction(window).details["reference"]["buckets"] == {"07": 1.0}
    assert prediction(window._replace(values=window.values + 3.0)).verdict == "raised"
