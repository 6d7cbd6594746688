"""Columns that are not judged for drift: sensitive ones, and times that a window is too short for."""

from __future__ import annotations

import datetime as dt

import numpy as np

from monitoring.drift import judge_columns, judge_drift
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from tests.monitoring.drift.conftest import RULES, findings_of, judge_one, one_column
from tests.support.monitoring.windows import reference_of, window_of


def test_a_sensitive_column_is_left_out_with_its_values() -> None:
    contract = Contract(
        "population",
        "regression",
        (Column("a", "number"), Column("secret", "number", sensitive=True)),
        (Output("value"),),
    )
    random = np.random.default_rng(1)
    reference = reference_of(contract, random.normal(size=(2_000, 2)))
    rows = random.normal(size=(1_000, 2))
    rows[:, 1] = np.nan
    findings = judge_drift(window_of(rows), reference, contract, RULES)
    drift = findings_of(findings, "drift")
    assert drift["secret"].reason == "sensitive: its values are not kept"
    assert drift["secret"].details == {} and "secret" not in findings_of(findings, "missing")
    assert findings_of(findings, "share")[""].details["judged"] == 1


def test_a_date_is_not_judged_unless_it_has_a_floor() -> None:
    column = Column("day", "timestamp")
    before, now = np.arange(9_000, 9_500), np.full(500, 9_600)
    assert judge_one(column, before, now)["drift"].verdict == "unknown"
    rules = MonitorRules(floors={"day": 0.5})
    assert judge_one(column, before, now, rules)["drift"].verdict == "raised"


def test_an_hour_is_judged_by_windows_of_a_whole_day() -> None:
    contract = one_column(Column("hour", "timestamp", encode="hour"))
    hours = (np.arange(4_800) % 24).astype(np.float32)[:, np.newaxis]
    reference = reference_of(contract, hours)
    whole = judge_columns(window_of(hours[:480]), reference, contract, RULES)
    assert findings_of(whole, "drift")["hour"].verdict == "ok"
    part = window_of(hours[:480], length=dt.timedelta(hours=6))
    finding = findings_of(judge_columns(part, reference, contract, RULES), "drift")["hour"]
    assert (finding.verdict, finding.reason) == (
        "unknown",
        "a time: the window is shorter than its day",
    )
