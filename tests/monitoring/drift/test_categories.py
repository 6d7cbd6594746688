"""Columns of levels: which one moved, levels never seen, and details that stay small."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import judge_columns
from service.bundle.contract import Column
from service.bundle.reference import CategoryProfile, Reference
from tests.bench.silence.population import LEVEL_NAMES, NAMES
from tests.monitoring.drift.conftest import CONTRACT, RULES, findings_of, judge_one, rows_of
from tests.support.monitoring.windows import window_of


def test_shares_that_moved_between_two_levels_name_the_level(reference: Reference) -> None:
    rows = rows_of(2_000)
    place = NAMES.index("category_8")
    first = np.flatnonzero(rows[:, place] == 0)
    rows[first[: len(first) // 2], place] = 5
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    assert [name for name in NAMES if drift[name].verdict == "raised"] == ["category_8"]
    assert drift["category_8"].reason == "'level 5' had 7.78 %, now 19.6 %"
    levels = drift["category_8"].details["levels"]
    assert levels["names"][:2] == ["level 0", "level 1"] and len(levels["window"]) == 8


def test_a_category_of_one_level_is_ok_while_it_stays() -> None:
    column = Column("c", "category", categories=("a", "b"))
    assert judge_one(column, [0] * 2_000, [0] * 500)["drift"].verdict == "ok"


def test_a_level_that_the_reference_never_had_is_raised() -> None:
    """With so few expected rows chi-square would join the two levels into one, and see nothing."""
    column = Column("c", "category", categories=("a", "b"))
    finding = judge_one(column, [0] * 20_000, [0] * 170 + [1] * 30)["drift"]
    assert finding.verdict == "raised" and finding.details["p"] < 1e-10


def test_a_single_row_of_a_level_never_seen_is_ok() -> None:
    column = Column("c", "category", categories=("a", "b"))
    assert judge_one(column, [0] * 20_000, [0] * 199 + [1])["drift"].verdict == "ok"


def test_a_boolean_is_judged_as_two_levels() -> None:
    finding = judge_one(Column("on", "boolean"), [0, 1] * 2_000, [1] * 400 + [0] * 100)["drift"]
    assert finding.verdict == "raised" and finding.details["levels"]["names"] == ["false", "true"]


def test_details_are_bounded_whatever_the_column_holds() -> None:
    names = tuple(f"city {number}" for number in range(5_000))
    codes = np.arange(20_000) % 5_000
    finding = judge_one(Column("city", "category", categories=names), codes, codes[:5_000])["drift"]
    levels = finding.details["levels"]
    assert len(levels["names"]) == 31 and levels["names"][-1] == "4970 others"
    assert sum(levels["window"]) == pytest.approx(1.0, abs=0.01)


def test_levels_of_a_profile_are_in_the_order_of_the_contract(reference: Reference) -> None:
    profile = reference.columns["category_3"]
    assert isinstance(profile, CategoryProfile)
    assert tuple(profile.counts) == LEVEL_NAMES["category_3"]
