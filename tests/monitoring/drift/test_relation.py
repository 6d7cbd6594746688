"""Columns that each look right while they belong together no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitoring.drift import judge_columns, judge_relation
from monitoring.drift.relation import MOST_COLUMNS, least_area
from monitoring.findings.values import Finding
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from tests.bench.silence.population import NAMES, contract, draw
from tests.support.monitoring.windows import reference_of, window_of

CONTRACT = contract()


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(CONTRACT, draw(5_000, np.random.default_rng(1)))


def relation_of(reference: Reference, rows: Any, **left_out: str) -> Finding:
    return judge_relation(NAMES, rows.astype(np.float32), reference, 100, left_out)


@pytest.mark.parametrize("rows", [200, 2_000])
def test_a_broken_relation_is_raised_and_names_the_column(reference: Reference, rows: int) -> None:
    broken = draw(rows, np.random.default_rng(9), unrelated="normal")
    columns = judge_columns(window_of(broken), reference, CONTRACT, MonitorRules())
    assert "normal" not in {
        finding.column
        for finding in columns
        if finding.kind == "drift" and finding.verdict == "raised"
    }
    finding = relation_of(reference, broken)
    assert finding.verdict == "raised"
    pairs = finding.details["pairs"]
    assert pairs and all("normal" in (pair["first"], pair["second"]) for pair in pairs)
    assert "were correlated by" in finding.reason


@pytest.mark.parametrize("rows", [200, 2_000])
def test_the_population_itself_is_ok(reference: Reference, rows: int) -> None:
    finding = relation_of(reference, draw(rows, np.random.default_rng(3)))
    assert (finding.verdict, finding.details["pairs"]) == ("ok", [])


def test_below_five_hundred_rows_only_the_pairs_are_judged(reference: Reference) -> None:
    finding = relation_of(reference, draw(499, np.random.default_rng(3)))
    assert (finding.value, finding.visible) == (None, None)
    assert finding.details["classifier"] == "it needs 500 rows a side"


def test_the_classifier_sees_what_no_rank_correlation_does() -> None:
    """Far values of both come together, with any signs: neither column says anything of the other's rank."""
    random = np.random.default_rng(4)
    independent = random.normal(size=(2_000, 2))
    bound = random.normal(size=(2_000, 2))
    bound[:, 1] = np.abs(bound[:, 0]) * np.sign(bound[:, 1])
    contract = Contract(
        "m", "regression", (Column("a", "number"), Column("b", "number")), (Output("value"),)
    )
    finding = judge_relation(
        contract.names, bound.astype(np.float32), reference_of(contract, independent), 100, {}
    )
    assert finding.verdict == "raised" and finding.value is not None and finding.value > 0.7
    assert finding.details["pairs"] == []


def test_the_bound_rises_where_chance_is_larger() -> None:
    assert least_area(2_000, 2_000) == 0.6
    assert least_area(500, 500) == 0.6
    assert least_area(100, 100) > 0.6


def test_columns_left_out_are_not_compared_and_say_why(reference: Reference) -> None:
    broken = draw(2_000, np.random.default_rng(2), unrelated="normal")
    finding = relation_of(reference, broken, normal="it moves with the calendar")
    assert finding.verdict == "ok"
    assert finding.details["left_out"] == {"normal": "it moves with the calendar"}


def test_constant_and_empty_columns_are_no_relation() -> None:
    contract = Contract(
        "m",
        "regression",
        tuple(Column(name, "number", nullable=True) for name in "abcd"),
        (Output("value"),),
    )
    random = np.random.default_rng(5)
    rows = random.normal(size=(1_200, 4))
    rows[:, 2], rows[:, 3] = 1.0, np.nan
    rows[::3, 1] = np.nan
    finding = judge_relation(
        contract.names, rows[600:].astype(np.float32), reference_of(contract, rows[:600]), 100, {}
    )
    assert (finding.verdict, finding.details["columns"]) == ("ok", 3)


def test_a_single_column_has_no_relation(reference: Reference) -> None:
    others = {name: "sensitive" for name in NAMES[1:]}
    finding = relation_of(reference, draw(500, np.random.default_rng(3)), **others)
    assert (finding.verdict, finding.reason) == (
        "unknown",
        "fewer than two columns may be compared",
    )


def test_a_reference_without_rows_is_none() -> None:
    empty = Reference(rows=100, columns={}, predictions={})
    finding = relation_of(empty, draw(500, np.random.default_rng(3)))
    assert finding.verdict == "unknown" and finding.reason.startswith("no reference")


def test_wide_data_take_the_columns_of_most_importance() -> None:
    random = np.random.default_rng(6)
    columns = tuple(Column(f"c{number}", "number") for number in range(MOST_COLUMNS + 20))
    contract = Contract("m", "regression", columns, (Output("value"),))
    rows = random.normal(size=(400, len(columns)))
    rows[:, -1] = rows[:, -2]
    importance = {"c118": 0.5, "c119": 0.4}
    reference = reference_of(contract, rows, importance=importance)
    broken = random.normal(size=(300, len(columns)))
    finding = judge_relation(contract.names, broken.astype(np.float32), reference, 100, {})
    assert finding.details["columns"] == MOST_COLUMNS
    assert (
        finding.reason
        == "c118 and c119 were correlated by 1.00, now "
        + f"{finding.details['pairs'][0]['now']:.2f}"
    )
