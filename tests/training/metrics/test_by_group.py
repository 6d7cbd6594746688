"""Figures of groups: each by hand, those of few rows left out, and how far the groups lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.by_group import FIGURES, Group, Grouped, GroupFigures, measure_groups
from training.metrics.metric import Scored

TRUTH = np.array([1, 1, 0, 0, 1, 1, 0, 0, 1, 0])
CALLED = np.array([1, 0, 1, 0, 1, 1, 0, 0, 1, 1])
#: Four rows each, one of a third group, one of none.
GROUPED = Grouped(("east", "west", "north"), np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, -1]))


def of_classes(least: int = 2) -> GroupFigures:
    return measure_groups(FIGURES["classification"], Scored(TRUTH, CALLED), GROUPED, 1, least=least)


def values(group: Group) -> dict[str, float]:
    return {name: interval.value for name, interval in group.figures.items()}


def test_each_group_has_its_rates() -> None:
    east, west = of_classes().groups
    assert (east.name, east.rows, west.name, west.rows) == ("east", 4, "west", 4)
    assert values(east) == {
        "true_rate": 0.5,
        "selection_rate": 0.5,
        "true_positive_rate": 0.5,
        "false_positive_rate": 0.5,
    }
    assert values(west) == {
        "true_rate": 0.5,
        "selection_rate": 0.5,
        "true_positive_rate": 1.0,
        "false_positive_rate": 0.0,
    }


def test_the_groups_lie_apart_by_the_least_and_the_largest() -> None:
    gaps = of_classes().gaps
    assert gaps.keys() == {"selection_rate", "true_positive_rate", "false_positive_rate"}
    positive_rate = gaps["true_positive_rate"]
    assert (positive_rate.least, positive_rate.largest, positive_rate.difference.value) == (
        "east",
        "west",
        0.5,
    )
    assert positive_rate.ratio is not None and positive_rate.ratio.value == 0.5
    alike = gaps["selection_rate"]
    assert alike.difference.value == 0 and alike.ratio is not None and alike.ratio.value == 1


def test_a_group_of_few_rows_is_counted_and_not_named() -> None:
    figures = of_classes()
    assert (figures.small_groups, figures.rows_without) == (1, 1)
    assert "north" not in str(figures)


def test_a_rate_of_few_rows_is_left_out_and_bounds_nothing() -> None:
    """Of four rows two are truly so: enough rows for one rate, and too few for the others."""
    figures = of_classes(least=3)
    assert [set(group.figures) for group in figures.groups] == [
        {"true_rate", "selection_rate"},
        {"true_rate", "selection_rate"},
    ]
    assert figures.gaps.keys() == {"selection_rate"}


def test_where_nobody_is_selected_all_are_alike() -> None:
    nobody = Scored(TRUTH, np.zeros(10, dtype=int))
    figures = measure_groups(FIGURES["classification"], nobody, GROUPED, 1, least=2)
    gap = figures.gaps["selection_rate"]
    assert gap.difference.value == 0 and gap.ratio is not None and gap.ratio.value == 1


def test_numbers_have_a_sign_and_a_size() -> None:
    scored = Scored(np.zeros(10), np.array([1, 1, -1, 3, -2, -2, -2, 2, 9, 9], dtype=float))
    figures = measure_groups(FIGURES["regression"], scored, GROUPED, -1, least=2)
    assert [values(group) for group in figures.groups] == [
        {"mean_error": 1.0, "mae": 1.5},
        {"mean_error": -1.0, "mae": 2.0},
    ]
    gap = figures.gaps["mean_error"]
    assert (gap.difference.value, gap.least, gap.largest, gap.ratio) == (2.0, "west", "east", None)


@pytest.mark.parametrize("in_order", [False, True])
def test_a_true_difference_lies_in_its_interval(in_order: bool) -> None:
    random = np.random.default_rng(4)
    codes = random.integers(0, 2, 2000)
    called = (random.random(2000) < np.where(codes == 0, 0.6, 0.4)).astype(int)
    figures = measure_groups(
        FIGURES["classification"],
        Scored(called, called),
        Grouped(("east", "west"), codes),
        1,
        least=50,
        in_order=in_order,
    )
    interval = figures.gaps["selection_rate"].difference
    assert interval.low < 0.2 < interval.high and interval.high - interval.low < 0.12
