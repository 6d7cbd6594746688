"""Columns of numbers: the least that a window shows, constants, and the picture of them."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import judge_columns
from service.bundle.contract import Column
from service.bundle.reference import Reference
from tests.bench.silence.population import NAMES, draw
from tests.monitoring.drift.conftest import CONTRACT, RULES, findings_of, judge_one, rows_of
from tests.support.monitoring.windows import window_of


def test_a_small_window_says_what_it_could_have_seen(reference: Reference) -> None:
    small = findings_of(judge_columns(window_of(rows_of(200)), reference, CONTRACT, RULES), "drift")
    large = findings_of(
        judge_columns(window_of(rows_of(5_000)), reference, CONTRACT, RULES), "drift"
    )
    assert small["normal"].visible is not None and 0.15 < small["normal"].visible < 0.3
    assert large["normal"].visible == pytest.approx(0.1)


def test_what_a_window_could_have_seen_is_what_it_raises(reference: Reference) -> None:
    """The least visible effect and the verdict come from the same chance: a little more raises, a little less not."""
    rows = rows_of(200)
    place = NAMES.index("normal")
    quiet = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    visible = quiet["normal"].visible
    assert visible is not None
    evenly = np.quantile(
        draw(20_000, np.random.default_rng(1))[:, place], (np.arange(200) + 0.5) / 200
    )
    for factor, verdict in ((0.8, "ok"), (1.25, "raised")):
        rows[:, place] = evenly - evenly.mean() + factor * visible
        drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
        assert drift["normal"].verdict == verdict


@pytest.mark.parametrize("value", [0.0, 0.1, 123456.7])
def test_a_constant_that_stays_is_ok(value: float) -> None:
    """0.1 is no float32: read from the reference it must still be the same."""
    finding = judge_one(Column("c", "number"), [value] * 2_000, [value] * 500)["drift"]
    assert (finding.verdict, finding.value) == ("ok", 0.0)


def test_a_constant_that_changes_says_what_it_was() -> None:
    finding = judge_one(Column("c", "number"), [3.0] * 2_000, [3.0] * 300 + [4.0] * 200)["drift"]
    assert finding.verdict == "raised" and finding.value == pytest.approx(0.4)
    assert finding.reason == "was 3 in every row of the reference; 40 % differ"


def test_a_column_that_becomes_constant_is_raised() -> None:
    before = np.random.default_rng(1).normal(size=5_000)
    finding = judge_one(Column("c", "number"), before, [0.0] * 500)["drift"]
    assert finding.verdict == "raised" and finding.details["deviation"]["window"] == 0.0


def test_whole_numbers_have_a_bin_each(reference: Reference) -> None:
    drift = findings_of(judge_columns(window_of(rows_of(500)), reference, CONTRACT, RULES), "drift")
    edges = drift["count"].details["histogram"]["edges"]
    assert edges[:2] == [-0.5, 0.5]
