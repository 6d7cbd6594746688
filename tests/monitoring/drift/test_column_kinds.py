"""Drift of times of several parts, and the share of values that are no category."""

from __future__ import annotations

import numpy as np

from monitoring.drift import judge_drift
from monitoring.window.cells import read_features
from service.bundle.contract import Column, Contract, Output
from service.bundle.rows.encoder import Encoder
from tests.monitoring.drift.conftest import RULES, findings_of, judge_one
from tests.support.monitoring.windows import reference_of, window_of

SHOP = Column("shop", "category", categories=("north", "south"), unknown="other")
SOLD = Column("sold", "timestamp", encode=("cyclic-hour", "weekday", "days"))
SALES = Contract("sales", "regression", (SOLD, SHOP), (Output("pieces"),))


def test_more_values_of_no_category_are_a_finding() -> None:
    random = np.random.default_rng(1)
    before = random.choice(3, 5_000, p=[0.5, 0.49, 0.01])
    raised = judge_one(SHOP, before, random.choice(3, 1_000, p=[0.45, 0.45, 0.1]))["other"]
    assert (raised.verdict, raised.bound) == ("raised", 0.05)
    assert "of the values were none of the categories, now" in raised.reason
    assert judge_one(SHOP, before, before[:1_000])["other"].verdict == "ok"


def test_a_column_that_refuses_others_has_no_such_finding() -> None:
    column = Column("shop", "category", categories=("north", "south"))
    codes = np.arange(500) % 2
    assert "other" not in judge_one(column, codes, codes)


def moments(hours: tuple[int, int], start: str = "2026-01-05") -> list[str]:
    random = np.random.default_rng(1)
    days, hour = random.integers(0, 28, 2_000), random.uniform(*hours, 2_000)
    seconds = (days * 86_400 + hour * 3_600).astype("m8[s]")
    return [str(moment) for moment in np.datetime64(start, "s") + seconds]


def test_a_time_of_several_parts_has_one_finding_of_the_part_that_moved() -> None:
    def rows(hours: tuple[int, int]) -> object:
        times = moments(hours)
        return Encoder(SALES).encode_columns({"sold": times, "shop": ["north", "south"] * 1_000})

    reference = reference_of(SALES, rows((0, 24)))  # type: ignore[arg-type]
    window = window_of(rows((18, 24)))  # type: ignore[arg-type]
    night = findings_of(judge_drift(window, reference, SALES, RULES), "drift")
    assert set(night) == {"sold", "shop"}
    assert night["sold"].verdict == "raised"
    assert night["sold"].details["part"] == "sold cyclic-hour"
    assert night["sold"].reason.startswith("sold cyclic-hour: ")
    window = window_of(rows((0, 24)))  # type: ignore[arg-type]
    same = findings_of(judge_drift(window, reference, SALES, RULES), "drift")
    assert same["sold"].verdict == "ok"


def test_journalled_rows_are_read_as_they_were_encoded() -> None:
    texts = ['{"sold":[0.5,0.25,2.0,9559.0],"shop":"(other)"}', '{"sold":null,"shop":"north"}']
    matrix = read_features(SALES, texts)
    assert matrix[0].tolist() == [0.5, 0.25, 2.0, 9559.0, 2.0]
    assert np.isnan(matrix[1, :4]).all() and matrix[1, 4] == 0.0
