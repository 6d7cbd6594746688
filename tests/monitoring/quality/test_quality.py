"""Quality by the truth that is in: metrics, slices, how much truth there is and of which rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitoring.findings.values import Finding
from monitoring.quality import judge_quality
from service.bundle.contract import Column, Contract, Output, Threshold
from service.bundle.monitor_rules import Bound, MonitorRules
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
    ),
    (Output("grade"),),
    ("good", "poor"),
)
NUMBERS = Contract("yield", "regression", CONTRACT.columns, (Output("kilos"),))


def make_rows(size: int, accuracy: Any = 0.9, crops: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Rows:
    """`accuracy` may differ by crop."""
    random = np.random.default_rng(size)
    crop = random.choice(3, size, p=crops)
    matrix = np.column_stack([crop, random.uniform(40, 80, size), np.full(size, np.nan)]).astype(
        np.float32
    )
    values = random.integers(0, 2, size)
    right = random.random(size) < np.broadcast_to(accuracy, 3)[crop]
    sure = np.eye(2, dtype=np.float32)[values] * 0.8 + 0.1
    return Rows(matrix, values, sure, np.where(right, values, 1 - values))


@pytest.fixture(scope="module")
def reference() -> Reference:
    matrix = make_rows(5000).matrix
    columns = {
        column.name: profile_column(column, matrix[:, position], 0)
        for position, column in enumerate(CONTRACT.columns[:2])
    }
    return Reference(
        rows=5000, columns=columns, predictions={}, calibration=Calibration(unknown="none")
    )


def judge(
    rows: Rows, reference: Reference | None, every: Rows | None = None, **rules: Any
) -> list[Finding]:
    of = every or rows
    truth = truth_of(rows, len(of.values))
    return judge_quality(truth, window_of(of), reference, CONTRACT, MonitorRules(**rules))


def by_column(findings: list[Finding], kind: str) -> dict[str, Finding]:
    return {finding.column: finding for finding in findings if finding.kind == kind}


def test_the_metrics_are_those_of_training_with_intervals(reference: Reference):
    rows = make_rows(1000)
    accuracy = by_column(judge(rows, reference), "quality")["accuracy"]
    assert accuracy.value == np.mean(rows.truth == rows.values)
    assert accuracy.low < accuracy.value < accuracy.high  # type: ignore[operator]
    assert accuracy.rows == 1000


def test_truth_that_is_no_class_of_this_version_lowers_its_quality(reference: Reference):
    rows = make_rows(1000, accuracy=1.0)
    truth = rows.truth.copy()
    truth[:300] = len(CONTRACT.classes)
    quality = by_column(judge(rows._replace(truth=truth), reference), "quality")
    assert quality["accuracy"].value == pytest.approx(0.7)
    assert all(0 <= quality[name].value < 1 for name in ("f1", "recall", "precision", "auc"))  # type: ignore[operator]


def test_quality_wholly_below_its_gate_is_raised(reference: Reference):
    gates = {"accuracy": Bound(min=0.95), "auc": Bound(min=0.5)}
    findings = by_column(judge(make_rows(1000), reference, bounds=gates), "quality")
    assert (findings["accuracy"].verdict, findings["accuracy"].bound) == ("raised", 0.95)
    assert (findings["auc"].verdict, findings["f1"].verdict) == ("ok", "ok")


def test_quality_whose_interval_reaches_its_gate_is_not_raised(reference: Reference):
    findings = judge(make_rows(150), reference, bounds={"accuracy": Bound(min=0.92)})
    assert by_column(findings, "quality")["accuracy"].verdict == "ok"


def test_little_truth_is_no_quality(reference: Reference):
    findings = judge(make_rows(60), reference, every=make_rows(1000))
    accuracy = by_column(findings, "quality")["accuracy"]
    assert (accuracy.verdict, accuracy.value) == ("unknown", None)
    assert accuracy.reason == "not enough rows with truth: 60 of at least 100"


def test_no_truth_at_all_is_no_quality(reference: Reference):
    every = make_rows(1000)
    none = every.take(slice(0))
    findings = judge(none, reference, every=every)
    assert {finding.verdict for finding in by_column(findings, "quality").values()} == {"unknown"}
    assert by_column(findings, "truth")["share"].value == 0
    assert "delay" not in by_column(findings, "truth")


def test_how_much_truth_is_in_and_how_late_it_came(reference: Reference):
    rows = make_rows(200)
    delay = np.arange(1, 201, dtype=np.float64)
    truth = truth_of(rows, 800, delay=delay, corrected=3)
    findings = judge_quality(truth, window_of(make_rows(800)), reference, CONTRACT, MonitorRules())
    share, late = (by_column(findings, "truth")[name] for name in ("share", "delay"))
    assert (share.value, share.details) == (0.25, {"known": 200, "corrected": 3})
    assert (late.value, late.details["p90"]) == (100.5, pytest.approx(180.1))


def test_quality_is_told_apart_by_category_and_by_quarter_of_the_reference(reference: Reference):
    rows = make_rows(2000, accuracy=[0.95, 0.95, 0.6])
    slices = by_column(judge(rows, reference, slices=("crop", "humidity")), "slice")
    assert list(slices)[:3] == ["crop=basil", "crop=kale", "crop=mint"]
    assert [name.startswith("humidity=") for name in slices] == [False] * 3 + [True] * 4
    assert slices["crop=mint"].high < slices["crop=basil"].low  # type: ignore[operator]
    assert slices["crop=mint"].details["share"] == pytest.approx(0.2, abs=0.03)
    assert slices["crop=mint"].details["expected"] == pytest.approx(0.2, abs=0.03)
    assert sum(slices[name].rows for name in slices if name.startswith("humidity")) == 2000


def test_a_slice_wholly_below_the_gate_of_slices_is_raised(reference: Reference):
    rows = make_rows(2000, accuracy=[0.95, 0.95, 0.6])
    gates = {"accuracy": Bound(min=0.8)}
    slices = by_column(judge(rows, reference, slices=("crop",), slice_bounds=gates), "slice")
    assert [finding.verdict for finding in slices.values()] == ["ok", "ok", "raised"]
    assert {finding.details["metric"] for finding in slices.values()} == {"accuracy"}


def test_a_small_slice_has_no_quality(reference: Reference):
    rows = make_rows(400, crops=(0.6, 0.35, 0.05))
    mint = by_column(judge(rows, reference, slices=("crop",)), "slice")["crop=mint"]
    assert (mint.verdict, mint.value) == ("unknown", None)
    assert mint.reason.startswith("not enough rows with truth")


def test_a_sensitive_column_and_one_that_is_unknown_make_no_slices(reference: Reference):
    assert not by_column(judge(make_rows(400), reference, slices=("farmer", "acre")), "slice")
    assert not by_column(judge(make_rows(400), None, slices=("crop",)), "slice")


def test_truth_of_other_rows_than_the_window_s_is_said(reference: Reference):
    every = make_rows(3000)
    chosen = np.flatnonzero((every.matrix[:, 0] == 2) | (every.matrix[:, 1] > 70))
    complaints = every.take(chosen)
    selection = by_column(judge(complaints, reference, every=every), "truth")["selection"]
    assert selection.verdict == "raised"
    assert selection.reason == "the rows with truth are not like the window's in humidity, crop"
    assert list(selection.details["effects"]) == ["humidity", "crop"]


def test_truth_of_rows_by_chance_is_like_the_window_s(reference: Reference):
    every = make_rows(3000)
    random = np.random.default_rng(1)
    verdicts = []
    for _ in range(20):
        rows = random.permutation(3000)[:150]
        some = every.take(rows)
        verdicts.append(
            by_column(judge(some, reference, every=every), "truth")["selection"].verdict
        )
    assert verdicts.count("ok") >= 19


def test_numbers_have_their_metrics(reference: Reference):
    rows = make_rows(300)
    truth = rows.matrix[:, 1].astype(np.float64)
    off = rows._replace(values=truth[:, np.newaxis] + 2.0, probabilities=None, truth=truth)
    findings = judge_quality(truth_of(off), window_of(off), reference, NUMBERS, MonitorRules())
    assert by_column(findings, "quality")["mae"].value == pytest.approx(2.0)
    assert list(by_column(findings, "quality")) == ["r2", "mae", "rmse"]


def test_intervals_that_hold_too_little_of_the_truth_are_raised(reference: Reference):
    ends = (Output("low", of="kilos", quantile=0.1), Output("high", of="kilos", quantile=0.9))
    contract = Contract("yield", "regression", CONTRACT.columns, (Output("kilos"), *ends))
    rows = make_rows(1000)
    truth = rows.matrix[:, 1].astype(np.float64)
    # As of inputs that moved since: the interval begins above a third of what comes true.
    low = np.where(np.arange(1000) % 3 == 0, truth + 1, truth - 5)
    values = np.column_stack([truth, low, truth + 5])
    served = rows._replace(values=values, probabilities=None, truth=truth)
    rules = MonitorRules(bounds={"coverage": Bound(min=0.75)})
    findings = judge_quality(truth_of(served), window_of(served), reference, contract, rules)
    coverage = by_column(findings, "quality")["coverage"]
    assert coverage.value == pytest.approx(2 / 3, abs=0.001)
    assert (coverage.verdict, coverage.bound) == ("raised", 0.75)


def test_labels_are_judged_as_a_threshold_served_them(reference: Reference):
    """Not as the most probable class, which half of these rows were not called."""
    rows = make_rows(1000)
    odds = np.where(np.arange(1000) % 2 == 0, 0.4, 0.1).astype(np.float32)
    served = rows._replace(
        values=(odds >= 0.3).astype(np.int64),
        probabilities=np.column_stack([1 - odds, odds]),
        truth=(odds >= 0.3).astype(np.int64),
    )
    contract = Contract(
        *("grade", "classification", CONTRACT.columns, CONTRACT.outputs, CONTRACT.classes),
        threshold=Threshold("poor", 0.3, "recall 0.9"),
    )
    findings = judge_quality(
        truth_of(served), window_of(served), reference, contract, MonitorRules()
    )
    assert by_column(findings, "quality")["accuracy"].value == 1


def test_a_recipe_has_no_truth_by_row(reference: Reference):
    recipe = Contract("recipe", "optimization", CONTRACT.columns, (Output("light"), Output("ec")))
    rows = make_rows(300)
    (finding,) = judge_quality(truth_of(rows), window_of(rows), reference, recipe, MonitorRules())
    assert (finding.verdict, finding.column) == ("unknown", "")
    assert finding.reason.startswith("no truth by row")


def test_more_truth_is_judged_anew(reference: Reference):
    every = make_rows(1000)
    early = every.take(slice(150))
    then, now = (
        by_column(judge(rows, reference, every=every), "quality")["accuracy"]
        for rows in (early, every)
    )
    assert (then.rows, now.rows) == (150, 1000)
    assert now.high - now.low < then.high - then.low  # type: ignore[operator]
