"""Estimates beside the truth that comes later, what raises them, and when they cannot be known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from monitoring.estimate.estimate import estimate, judge_estimate
from monitoring.estimate.unknown import reason_before_scores
from monitoring.findings.values import Finding
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import Bound, MonitorRules
from service.bundle.reference import Calibration
from tests.support.monitoring.populations import Population, Rows, population, window_of
from training.metrics.metric import Scored, measure
from training.metrics.tasks import METRICS

LEAST = 100


def judge(
    drawn: Population, rows: Rows, rules: MonitorRules = MonitorRules(), **changed: Any
) -> dict[str, Finding]:
    values = {"reference": drawn.reference, "loss_model": drawn.loss_model} | changed
    findings = judge_estimate(
        window_of(rows), contract=values.pop("contract", drawn.contract), rules=rules, **values
    )
    return {finding.column: finding for finding in findings}


def unknown(drawn: Population, rows: Rows, **changed: Any) -> str:
    """The reason that every metric has in common."""
    findings = judge(drawn, rows, **changed)
    assert {finding.verdict for finding in findings.values()} == {"unknown"}
    assert {finding.value for finding in findings.values()} == {None}
    (reason,) = {finding.reason for finding in findings.values()}
    return reason


def scored(rows: Rows) -> Scored:
    return Scored(rows.truth, rows.values, rows.probabilities)


@pytest.fixture
def rows(easy: Population) -> Rows:
    return easy.draw(300, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("easy", {"accuracy": 0.02, "auc": 0.01, "f1": 0.02, "precision": 0.02, "recall": 0.02}),
        ("numbers", {"mae": 0.04, "rmse": 0.06, "r2": 0.04}),
    ],
)
def test_an_estimate_is_near_the_later_truth_and_its_interval_holds_it(
    name: str, errors: dict[str, float]
):
    drawn, random = population(name), np.random.default_rng(7)
    estimates, later = [], []
    for _ in range(20):
        rows = drawn.draw(500, random)
        estimates.append(
            estimate(rows, drawn.reference, drawn.loss_model, drawn.contract, LEAST).metrics
        )
        later.append(measure(METRICS[drawn.contract.task], scored(rows)))
    for metric, error in errors.items():
        pairs = [(estimates[each][metric], later[each][metric]) for each in range(20)]
        assert np.mean([abs(ours.value - truth) for ours, truth in pairs]) < error
        assert np.mean([ours.low <= truth <= ours.high for ours, truth in pairs]) >= 0.8


def test_inputs_that_move_where_the_model_is_unsure_lower_the_estimate(easy: Population):
    random = np.random.default_rng(2)
    rows = easy.draw(4000, random)
    unsure = np.flatnonzero(rows.probabilities.max(axis=1) < 0.9)  # type: ignore[union-attr]
    moved = rows.take(unsure)
    now, before = (judge(easy, each)["accuracy"] for each in (moved, rows))
    assert now.high < before.low  # type: ignore[operator]


def test_an_estimate_wholly_below_its_bound_is_raised(easy: Population, rows: Rows):
    finding = judge(easy, rows, MonitorRules(bounds={"accuracy": Bound(min=0.97)}))["accuracy"]
    assert (finding.verdict, finding.bound) == ("raised", 0.97)
    assert finding.reason.startswith("below 0.97: at most 0.9")


def test_an_estimate_whose_interval_reaches_its_bound_is_not_raised(easy: Population, rows: Rows):
    value = judge(easy, rows)["accuracy"].value
    bounds = {"accuracy": Bound(min=value + 0.01)}  # type: ignore[operator]
    assert judge(easy, rows, MonitorRules(bounds=bounds))["accuracy"].verdict == "ok"


def test_an_error_wholly_above_its_bound_is_raised(numbers: Population):
    rows = numbers.draw(300, np.random.default_rng(1))
    findings = judge(numbers, rows, MonitorRules(bounds={"mae": Bound(max=0.3)}))
    assert findings["mae"].verdict == "raised"
    assert findings["rmse"].verdict == "ok"


def test_the_same_rows_have_the_same_estimate(easy: Population, rows: Rows):
    assert judge(easy, rows) == judge(easy, rows)


def test_without_a_reference_it_cannot_be_known(easy: Population, rows: Rows):
    assert unknown(easy, rows, reference=None).startswith("no reference")


def test_without_a_calibration_it_cannot_be_known(easy: Population, rows: Rows):
    bare = replace(easy.reference, calibration=Calibration(unknown="40 held-out rows"))
    assert unknown(easy, rows, reference=bare) == "no calibration: 40 held-out rows"


def test_few_rows_cannot_be_known(easy: Population):
    few = easy.draw(99, np.random.default_rng(1))
    assert unknown(easy, few) == "not enough rows: 99 of at least 100"


def test_rows_that_a_classifier_tells_from_the_reference_cannot_be_known(
    easy: Population, rows: Rows
):
    def relation(area: float) -> list[Finding]:
        return [Finding(kind="relation", verdict="raised", value=area)]

    assert "AUC of 0.80" in unknown(easy, rows, drift_findings=relation(0.8))
    assert judge(easy, rows, drift_findings=relation(0.79))["accuracy"].verdict == "ok"


def test_rows_outside_the_reference_cannot_be_known_and_name_the_column(
    easy: Population, rows: Rows
):
    rows.matrix[:30, 4] = 9.0
    assert unknown(easy, rows).startswith("10.0% of column_4 lie outside the middle 99.8 %")


def test_a_date_is_past_the_reference_by_its_nature(easy: Population, rows: Rows):
    rows.matrix[:, 4] = 9.0
    columns = list(easy.contract.columns)
    columns[4] = Column(columns[4].name, "timestamp")
    contract = replace(easy.contract, columns=tuple(columns))
    assert reason_before_scores(rows, easy.reference, easy.contract, LEAST, ())
    assert not reason_before_scores(rows, easy.reference, contract, LEAST, ())


@pytest.mark.parametrize("size", [100, 300, 3000])
def test_rows_like_the_reference_are_not_said_to_lie_outside(easy: Population, size: int):
    random = np.random.default_rng(5)
    windows = (easy.draw(size, random) for _ in range(60_000 // (size + 200)))
    reasons = [
        reason_before_scores(rows, easy.reference, easy.contract, LEAST, ()) for rows in windows
    ]
    assert not any(reasons)


def test_scores_that_few_held_out_rows_had_cannot_be_known(easy: Population, rows: Rows):
    calibration = easy.reference.calibration
    *_, last = calibration.blocks["accuracy"]
    small = {"accuracy": (*calibration.blocks["accuracy"][:-1], replace(last, rows=49))}
    lesser = replace(easy.reference, calibration=replace(calibration, blocks=small))
    assert "fewer than 50 held-out rows" in unknown(easy, rows, reference=lesser)


def test_expected_errors_above_all_that_were_seen_cannot_be_known(numbers: Population):
    rows = numbers.draw(300, np.random.default_rng(1))
    calibration = numbers.reference.calibration
    low = {name: blocks[:1] for name, blocks in calibration.blocks.items()}
    lesser = replace(numbers.reference, calibration=replace(calibration, blocks=low))
    assert "fewer than 50 held-out rows" in unknown(numbers, rows, reference=lesser)


def test_numbers_without_models_of_the_loss_cannot_be_known(numbers: Population):
    rows = numbers.draw(300, np.random.default_rng(1))
    assert unknown(numbers, rows, loss_model=None).startswith("no models of the loss")


def test_classes_without_probabilities_cannot_be_known(easy: Population, rows: Rows):
    assert unknown(easy, rows._replace(probabilities=None)) == "no probabilities in the journal"


def test_a_recipe_has_no_truth_by_row(easy: Population, rows: Rows):
    recipes = Contract("recipe", "optimization", easy.contract.columns, (Output("light"), Output("ec")))  # fmt: skip
    findings = judge(easy, rows, contract=recipes)
    assert list(findings) == [""]
    assert findings[""].reason.startswith("no truth by row")


def test_a_sensitive_column_has_no_value_and_the_estimate_needs_none(numbers: Population):
    rows = numbers.draw(300, np.random.default_rng(1))
    rows.matrix[:, 5] = np.nan
    assert judge(numbers, rows)["mae"].verdict == "ok"
