"""The checks of encoded rows: leakage, duplicates, constants, classes too rare to learn."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.support.plants import SpecOf
from tests.support.validation import only, report_of


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
