"""Each check of the data fires on what it is for, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from training.common.errors import ContractViolated
from training.data import dataset, sources
from training.data.report import ValidationReport, Violation
from training.spec.values import Spec

SpecOf = Callable[..., Spec]


def report_of(spec: Spec, frame: pd.DataFrame) -> ValidationReport:
    wanted = [name for name in sources.wanted(spec) if name in frame]
    return dataset.validate(spec, frame[wanted], "fingerprint")[0]


def only(spec: Spec, frame: pd.DataFrame) -> Violation:
    violations = report_of(spec, frame).violations
    assert len(violations) == 1, violations
    return violations[0]


def put(frame: pd.DataFrame, column: str, values: dict[int, Any]) -> pd.DataFrame:
    """The frame with other values in some rows of a column."""
    changed = frame[column].astype(object)
    for row, value in values.items():
        changed[row] = value
    return frame.assign(**{column: changed})


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


def test_a_class_without_rows_is_an_error(classes_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(classes_of(target={"classes": ["A", "B", "C"]}), frame)
    assert (violation.check, violation.severity) == ("balance", "error")
    assert (
        violation.message
        == "class C has no row to learn from; leave it out of target.classes and of the data"
    )


def test_a_number_that_never_varies_is_no_target(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(spec_of(), frame.assign(weight=3.5))
    assert violation.message == "is always 3.5; there is nothing to predict"


def test_one_class_alone_is_an_error(classes_of: SpecOf, frame: pd.DataFrame) -> None:
    violation = only(classes_of(target={"classes": ["A"]}), frame.assign(grade="A"))
    assert violation.message == "has the one class A; a model needs two to tell apart"


def test_a_feature_that_alone_predicts_a_number_is_leakage(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    spec = spec_of(checks={"leakage_score": 0.95})
    violation = only(spec, frame.assign(light=frame["weight"].rank() / 30))
    assert (violation.check, violation.column) == ("leakage", "light")
    assert violation.message.startswith("alone predicts weight (score 0.9")


def test_a_feature_that_alone_predicts_a_class_is_leakage(
    classes_of: SpecOf, frame: pd.DataFrame
) -> None:
    violation = only(classes_of(), frame.assign(watered=frame["grade"] == "A"))
    assert (violation.check, violation.column) == ("leakage", "watered")


def test_held_out_rows_that_were_trained_on_are_duplicates(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    same = [name for name in frame if name not in ("id", "day")]
    frame.loc[290:292, same] = frame.loc[0:2, same].to_numpy()
    violation = only(spec_of(), frame.astype({"light": float, "weight": float}))
    assert (violation.check, violation.count) == ("duplicates", 3)


def test_duplicates_on_one_side_of_the_split_are_allowed(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    same = [name for name in frame if name not in ("id", "day")]
    frame.loc[3:5, same] = frame.loc[0:2, same].to_numpy()
    assert report_of(spec_of(), frame).violations == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [(3.0, "is always 3; it tells a model nothing"), (None, "is always null; it tells")],
)
def test_a_column_that_never_changes_is_constant(
    spec_of: SpecOf, frame: pd.DataFrame, value: float | None, message: str
) -> None:
    violation = only(spec_of(), frame.assign(leaves=value))
    assert (violation.check, violation.column) == ("constants", "leaves")
    assert violation.message.startswith(message)


def test_a_class_that_is_too_rare_to_learn_is_out_of_balance(
    classes_of: SpecOf, frame: pd.DataFrame
) -> None:
    rare = frame.assign(grade=["A", "A", *["B"] * 298])
    violation = only(classes_of(), rare)
    assert (violation.check, violation.column, violation.count) == ("balance", "grade", 2)
    assert "2 of 300 rows" in violation.message


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


def test_rows_that_only_warn_are_left_out_of_the_data_set(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    spec = spec_of(checks={"ranges": "warning"})
    report, data = dataset.validate(spec, put(frame, "light", {0: 99, 5: 99}), "fingerprint")
    assert [violation.severity for violation in report.violations] == ["warning"]
    assert list(np.flatnonzero(report.unusable)) == [0, 5]
    assert len(dataset.require_valid(report, data).matrix) == 298


def test_an_error_gives_no_data_set_and_names_the_column(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    report, data = dataset.validate(spec_of(), put(frame, "light", {0: 99}), "fingerprint")
    with pytest.raises(ContractViolated, match="light: is not a finite number from 0 to 10"):
        dataset.require_valid(report, data)


def test_too_few_usable_rows_to_split_give_no_data_set(
    spec_of: SpecOf, frame: pd.DataFrame
) -> None:
    report, data = dataset.validate(spec_of(), frame[:9], "fingerprint")
    assert data is None
    assert [violation.check for violation in report.errors] == ["rows"]


def test_several_violations_are_found_at_once(spec_of: SpecOf, frame: pd.DataFrame) -> None:
    broken = put(put(frame, "light", {0: 99}), "kind", {1: "fern"})
    assert {violation.column for violation in report_of(spec_of(), broken).violations} == {
        "light",
        "kind",
    }
