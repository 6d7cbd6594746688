"""What explains a drop: columns, slices, shares and rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitoring.attribution import explain_drop, last_good
from monitoring.attribution.columns import rank_columns
from monitoring.attribution.examples import decoded
from monitoring.findings.values import Finding, Kind, Verdict
from service.bundle.contract import Column, Contract, Output
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Calibration, Reference
from tests.support.monitoring.populations import Rows, truth_of, window_of
from training.bundle.profiles import profile_column

CONTRACT = Contract(
    "grade",
    "classification",
    (
        Column("crop", "category", categories=("basil", "kale", "mint")),
        Column("humidity", "number"),
        Column("farmer", "category", categories=("ann", "bob"), sensitive=True),
        Column("organic", "boolean"),
        Column("trays", "integer", nullable=True),
        Column("sown", "timestamp"),
        Column("hour", "timestamp", encode="hour"),
    ),
    (Output("grade"),),
    ("good", "poor"),
)
RULES = MonitorRules(slices=("crop",))


def make_rows(size: int, crops: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Rows:
    random = np.random.default_rng(size)
    columns = [
        random.choice(3, size, p=crops), random.uniform(40, 80, size).round(1), np.full(size, 1.0),
        random.integers(0, 2, size), random.integers(1, 9, size), np.full(size, 9527.5), np.full(size, 6.5),
    ]  # fmt: skip
    values = random.integers(0, 2, size)
    sure = random.uniform(0.5, 1.0, size).astype(np.float32)
    probabilities = np.where(values[:, np.newaxis] == [0, 1], sure[:, np.newaxis], 1 - sure[:, np.newaxis])  # fmt: skip
    truth = np.where(random.random(size) < 0.8, values, 1 - values)
    return Rows(np.column_stack(columns).astype(np.float32), values, probabilities, truth)


@pytest.fixture(scope="module")
def reference() -> Reference:
    matrix = make_rows(5000).matrix
    return Reference(
        rows=5000,
        columns={
            column.name: profile_column(column, matrix[:, position], 0)
            for position, column in enumerate(CONTRACT.columns)
            if not column.sensitive
        },
        predictions={},
        importance={"crop": 0.02, "humidity": 0.1, "trays": -0.01},
        calibration=Calibration(unknown="none"),
    )


def drift(column: str, value: float, **fields: Any) -> Finding:
    verdict = "raised" if value >= 0.1 else "ok"
    return Finding(kind="drift", column=column, verdict=verdict, value=value, bound=0.1, **fields)


def metric(kind: Kind, low: float, high: float, verdict: Verdict = "ok") -> Finding:
    middle = (low + high) / 2
    return Finding(kind=kind, column="accuracy", verdict=verdict, value=middle, low=low, high=high)


RAISED = metric("estimate", 0.6, 0.7, "raised")


def explain(
    reference: Reference | None,
    findings: list[Finding],
    former: list[Finding] | None = None,
    rows: Rows | None = None,
    truth: bool = False,
) -> list[Finding]:
    rows = rows or make_rows(600)
    return explain_drop(
        findings, former or [], window_of(rows), truth_of(rows) if truth else None, reference,
        contract=CONTRACT, rules=RULES,
    )  # fmt: skip


def of(causes: list[Finding], kind: str) -> list[Finding]:
    return [cause for cause in causes if cause.details["of"] == kind]


def test_columns_are_ranked_by_effect_over_floor_times_importance(reference: Reference):
    moved = [
        drift("crop", 0.5),
        drift("humidity", 0.2),
        drift("organic", 0.3),
        drift("trays", 0.05),
    ]
    columns = of(explain(reference, [RAISED, *moved]), "column")
    assert [cause.column for cause in columns] == ["humidity", "crop", "organic"]
    assert [cause.value for cause in columns] == pytest.approx([0.2, 0.1, 0.0])
    assert columns[0].details["importance"] == 0.1


def test_a_column_of_its_own_floor_is_measured_by_it():
    own = Finding(kind="drift", column="crop", verdict="raised", value=0.9, bound=0.9)
    causes = rank_columns([own, drift("humidity", 0.2)], {"crop": 1.0, "humidity": 1.0})
    assert [cause.column for cause in causes] == ["humidity", "crop"]


def test_a_column_that_lost_its_values_is_named_once():
    lost = Finding(kind="missing", column="trays", verdict="raised", value=0.5, bound=0.05)
    (cause,) = rank_columns([drift("trays", 0.2), lost], {"trays": 1.0})
    assert (cause.details["kind"], cause.value) == ("missing", pytest.approx(10.0))


def test_without_importances_all_columns_count_the_same():
    causes = rank_columns([drift("crop", 0.2), drift("humidity", 0.3)], {})
    assert [cause.column for cause in causes] == ["humidity", "crop"]


def test_a_drop_that_no_column_explains_says_so(reference: Reference):
    (cause,) = of(explain(reference, [RAISED, drift("crop", 0.05)]), "column")
    assert (cause.column, cause.reason[:15]) == ("", "no column moved")


def test_without_a_drop_or_a_reference_there_is_nothing_to_explain(reference: Reference):
    moved = drift("humidity", 0.5)
    assert not explain(reference, [metric("quality", 0.8, 0.9), moved])
    assert not explain(reference, [metric("quality", 0.8, 0.9), moved], [metric("quality", 0.85, 0.95)])  # fmt: skip
    assert not explain(None, [RAISED, moved])


def test_a_metric_below_the_former_window_s_has_dropped_though_within_its_bound(
    reference: Reference,
):
    former = [metric("quality", 0.92, 0.96)]
    assert explain(reference, [metric("quality", 0.80, 0.88), drift("humidity", 0.5)], former)


def test_a_drop_that_lasts_is_held_against_the_window_before_it():
    good, raised = [metric("quality", 0.8, 0.9)], [metric("quality", 0.6, 0.7, "raised")]
    hole = [Finding(kind="drift", verdict="unknown", reason="no rows")]
    assert last_good([good, raised, hole, raised]) == good
    assert last_good([raised]) == ()
    assert last_good([]) == ()


def test_a_slice_that_got_worse_is_named(reference: Reference):
    def part(name: str, value: float) -> Finding:
        details = {"metric": "accuracy", "share": 0.2}
        ends = {"low": value - 0.03, "high": value + 0.03}
        return Finding(
            kind="slice", column=name, verdict="ok", value=value, details=details, **ends
        )

    now, before = ([part("crop=mint", value), part("crop=kale", 0.9)] for value in (0.6, 0.9))
    (cause,) = of(explain(reference, [RAISED, *now], before), "slice")
    assert (cause.column, cause.reason) == ("crop=mint", "accuracy 0.6; 0.9 before")
    assert cause.value == pytest.approx(0.2 * 0.3)


def test_a_slice_of_another_share_is_named(reference: Reference):
    shifted = make_rows(600, crops=(0.2, 0.3, 0.5))
    shares = of(explain(reference, [RAISED], rows=shifted), "share")
    assert {cause.column for cause in shares} == {"crop=basil", "crop=mint"}
    assert not of(explain(reference, [RAISED]), "share")


def test_the_surest_of_the_wrong_rows_are_shown(reference: Reference):
    rows = make_rows(600)
    (cause,) = of(explain(reference, [RAISED], rows=rows, truth=True), "rows")
    wrong = rows.values != rows.truth
    surest = np.flatnonzero(wrong)[rows.probabilities.max(axis=1)[wrong].argmax()]  # type: ignore[union-attr]
    first = cause.details["rows"][0]
    assert first["row"]["humidity"] == pytest.approx(rows.matrix[surest, 1])
    assert first["prediction"] != first["truth"]
    assert len(cause.details["rows"]) == 5


def test_a_truth_that_is_no_class_of_this_version_is_shown_as_that(reference: Reference):
    rows = make_rows(600)
    strange = rows._replace(truth=np.full(600, len(CONTRACT.classes)))
    (cause,) = of(explain(reference, [RAISED], rows=strange, truth=True), "rows")
    assert {row["truth"] for row in cause.details["rows"]} == {"no class of this version"}


def test_before_the_truth_the_rarest_rows_of_the_first_column_are_shown(reference: Reference):
    rows = make_rows(600)
    rows.matrix[17, 1] = 200.0
    (cause,) = of(explain(reference, [RAISED, drift("humidity", 0.4)], rows=rows), "rows")
    assert cause.details["rows"][0]["row"]["humidity"] == 200.0
    assert "truth" not in cause.details["rows"][0]


def test_a_row_reads_as_it_was_sent_without_its_sensitive_values():
    cells = np.array([1, 21.4, 0, 1, np.nan, 9527.5, 6.5], np.float32)
    assert decoded(cells, CONTRACT) == {
        "crop": "kale",
        "humidity": 21.4,
        "organic": True,
        "trays": None,
        "sown": "2026-01-31T12:00",
        "hour": 6.5,
    }


def test_no_cause_holds_a_sensitive_value(reference: Reference):
    findings = [RAISED, drift("humidity", 0.4)]
    for truth in (True, False):
        text = repr(explain(reference, findings, truth=truth))
        assert "farmer" not in text and "bob" not in text
