"""Nulls: a column without values, and more of them than before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.drift import judge_columns
from service.bundle.contract import Column
from service.bundle.reference import Reference
from tests.monitoring.drift.conftest import CONTRACT, RULES, findings_of, judge_one, rows_of
from tests.support.monitoring.windows import window_of


def test_a_column_of_nulls_is_missing_and_not_judged_for_drift() -> None:
    column = Column("wet", "number", nullable=True)
    before = np.random.default_rng(1).normal(size=5_000)
    findings = judge_one(column, before, np.full(500, np.nan))
    assert (findings["drift"].verdict, findings["drift"].reason) == (
        "unknown",
        "every value is missing",
    )
    assert findings["missing"].verdict == "raised" and findings["missing"].value == 1.0


def test_too_few_values_of_a_column_are_not_judged_though_the_window_is_large() -> None:
    values = np.random.default_rng(1).normal(size=1_000)
    now = np.where(np.arange(1_000) < 50, values, np.nan)
    findings = judge_one(Column("wet", "number", nullable=True), values, now)
    assert (findings["drift"].verdict, findings["drift"].reason) == ("unknown", "not enough rows")
    assert findings["drift"].rows == 50


def test_a_reference_of_nulls_alone_is_no_reference() -> None:
    findings = judge_one(
        Column("wet", "number", nullable=True), np.full(500, np.nan), np.zeros(500)
    )
    assert findings["drift"].reason == "no reference: it was missing in every row"
    assert findings["missing"].verdict == "raised"


def test_a_tenth_more_nulls_are_raised_and_a_hundredth_is_not() -> None:
    random = np.random.default_rng(1)
    column = Column("wet", "number", nullable=True)

    def with_nulls(rows: int, share: float) -> NDArray[Any]:
        return np.where(random.random(rows) < share, np.nan, random.normal(size=rows))

    raised = judge_one(column, with_nulls(10_000, 0.1), with_nulls(2_000, 0.2))["missing"]
    assert raised.verdict == "raised" and raised.reason.startswith("10") and "now" in raised.reason
    quiet = judge_one(column, with_nulls(10_000, 0.1), with_nulls(2_000, 0.11))["missing"]
    assert quiet.verdict == "ok" and quiet.bound == 0.05


def test_a_column_that_never_was_null_has_no_finding_of_nulls(reference: Reference) -> None:
    findings = judge_columns(window_of(rows_of(500)), reference, CONTRACT, RULES)
    assert not findings_of(findings, "missing")
