"""Each check of the data fires on what it is for, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.plants import SpecOf
from tests.support.validation import only, put, report_of


def test_data_that_keep_the_contract_have_no_violation(
    spec_of: SpecOf, classes_of: SpecOf, frame: pd.DataFrame
) -> None:
    assert report_of(spec_of(), frame).violations == ()
    assert report_of(classes_of(), frame).violations == ()


def test_a_value_of_another_type_is_shown_with_its_row(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(spec_of(), put(frame, "light", {7: "much"}))
    assert (violation.check, violation.column, violation.count) == ("types", "light", 1)
    assert violation.message == "is not a finite number from 0 to 10"
    assert violation.examples == ((7, "'much'"),)


@pytest.mark.parametrize(
    ("column", "value"),
    [("leaves", 2.5), ("light", np.inf), ("watered", "perhaps"), ("weight", "heavy")],
)
def test_each_type_refuses_what_it_is_not(
    spec_of: SpecOf, frame: pd.DataFrame, column: str, value: Any
) -> None:
    violation = only(spec_of(), put(frame, column, {0: value}))
    assert (violation.check, violation.column) == ("types", column)


def test_a_number_out_of_its_range_is_counted_and_shown_three_times_at_most(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(spec_of(), put(frame, "light", {row: 10.5 for row in range(5, 10)}))
    assert (violation.check, violation.column, violation.count) == ("ranges", "light", 5)
    assert violation.examples == ((5, "10.5"), (6, "10.5"), (7, "10.5"))


def test_the_ends_of_a_range_belong_to_it(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    assert report_of(spec_of(), put(frame, "light", {0: 0, 1: 10})).violations == ()


def test_an_unknown_category_is_told_with_those_that_are_known(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(spec_of(), put(frame, "kind", {3: "fern"}))
    assert (violation.check, violation.column, violation.count) == ("categories", "kind", 1)
    assert violation.message == "is not one of 'herb', 'tree'"
    assert violation.examples == ((3, "'fern'"),)


def test_a_class_that_the_spec_does_not_list_is_a_violation_of_the_target(
    classes_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(classes_of(), put(frame, "grade", {3: "C"}))
    assert (violation.check, violation.column) == ("categories", "grade")
    assert violation.message == "is none of the classes A, B"


def test_a_null_is_a_violation_unless_the_column_is_nullable(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(spec_of(), put(frame, "light", {1: None, 2: np.nan}))
    assert (violation.check, violation.column, violation.count) == ("nulls", "light", 2)
    assert violation.examples == ((1, "null"), (2, "null"))
    assert report_of(spec_of(), put(frame, "leaves", {1: None})).violations == ()


def test_a_row_without_truth_is_a_violation(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(spec_of(), put(frame, "weight", {4: None}))
    assert (violation.check, violation.column) == ("nulls", "weight")
    assert violation.message == "is null: a row without truth"


def test_a_value_that_must_be_unique_and_is_not_names_both_rows(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(spec_of(), put(frame, "id", {9: 8}))
    assert (violation.check, violation.column, violation.count) == ("uniqueness", "id", 2)
    assert [row for row, _ in violation.examples] == [8, 9]


def test_too_few_rows_are_a_violation(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(spec_of(checks={"minimum_rows": 301}), frame)
    assert (violation.check, violation.column) == ("rows", "")
    assert violation.message == "300 usable rows; at least 301 are needed (checks.minimum_rows)"


def test_only_usable_rows_count_towards_the_least_number(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    report = report_of(spec_of(checks={"minimum_rows": 300}), put(frame, "light", {0: 99}))
    assert {violation.check for violation in report.violations} == {"ranges", "rows"}


@pytest.mark.parametrize("column", ["light", "weight", "day", "id"])
def test_a_missing_column_is_told_together_with_all_else(
    spec_of: SpecOf, frame: pd.DataFrame, column: str
) -> None:
    report = report_of(spec_of(), put(frame, "kind", {0: "fern"}).drop(columns=column))
    missing, other = report.violations
    assert (missing.check, missing.column, missing.severity) == ("columns", column, "error")
    assert missing.message.startswith("is missing; the source of plants has ")
    assert (other.check, other.column) == ("categories", "kind")


def test_a_time_that_orders_rows_and_is_none_is_named(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(spec_of(), put(frame, "day", {7: "soon"}))
    assert (violation.check, violation.column, violation.count) == ("types", "day", 1)
    assert "ISO 8601" in violation.message and violation.examples == ((7, "'soon'"),)


BREAKS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "types": lambda frame: put(frame, "light", {0: "much"}),
    "ranges": lambda frame: put(frame, "light", {0: 11}),
    "categories": lambda frame: put(frame, "kind", {0: "fern"}),
    "nulls": lambda frame: put(frame, "light", {0: None}),
    "uniqueness": lambda frame: put(frame, "id", {0: 1}),
    "rows": lambda frame: frame[:40],
    "leakage": lambda frame: frame.assign(watered=frame["grade"] == "A"),
    "duplicates": lambda frame: pd.concat([frame] * 2).assign(id=range(600)),
    "constants": lambda frame: frame.assign(leaves=1.0),
    "balance": lambda frame: frame.assign(grade=["A", *["B"] * 299]),
}


@pytest.mark.parametrize("severity", ["error", "warning"])
@pytest.mark.parametrize("check", BREAKS)
def test_each_check_is_as_severe_as_the_spec_says(
    classes_of: SpecOf, frame: pd.DataFrame, check: str, severity: str
) -> None:
    report = report_of(
        classes_of(checks={check: severity}), BREAKS[check](frame).reset_index(drop=True)
    )
    severities = {violation.severity for violation in report.violations if violation.check == check}
    assert severities == {severity}


@pytest.mark.parametrize("check", BREAKS)
def test_a_check_that_is_off_finds_nothing_and_is_not_listed(
    classes_of: SpecOf, frame: pd.DataFrame, check: str
) -> None:
    report = report_of(
        classes_of(checks={check: "off"}), BREAKS[check](frame).reset_index(drop=True)
    )
    assert check not in {violation.check for violation in report.violations}
    assert check not in {name for name, _ in report.checked}


def test_several_violations_are_found_at_once(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    broken = put(put(frame, "light", {0: 99}), "kind", {1: "fern"})
    assert {violation.column for violation in report_of(spec_of(), broken).violations} == {
        "light",
        "kind",
    }
