"""What a window's drift is said to be over all columns; and what cannot be said."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import judge_columns, judge_drift
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from tests.bench.silence.population import NAMES
from tests.monitoring.drift.conftest import CONTRACT, RULES, findings_of, rows_of
from tests.support.monitoring.windows import window_of


def test_a_window_of_the_population_is_ok_in_every_column(reference: Reference) -> None:
    findings = judge_drift(window_of(rows_of(2_000)), reference, CONTRACT, RULES)
    drift = findings_of(findings, "drift")
    assert set(drift) == set(NAMES)
    assert {finding.verdict for finding in drift.values()} == {"ok"}
    assert findings_of(findings, "share")[""].verdict == "ok"
    assert findings_of(findings, "relation")[""].verdict == "ok"


def test_a_shifted_column_is_raised_alone_with_what_moved(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, NAMES.index("gamma")] += 0.5
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "drift")
    assert [name for name in NAMES if drift[name].verdict == "raised"] == ["gamma"]
    finding = drift["gamma"]
    assert finding.value == pytest.approx(0.5 / np.sqrt(2), abs=0.08)
    assert (finding.bound, finding.visible) == (0.1, 0.1)
    assert finding.reason == "moved by 0.33 standard deviations: mean 1.994 before, now 2.455"
    assert len(finding.details["histogram"]["window"]) == 20


def test_a_column_may_have_a_floor_of_its_own(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, 0] += 0.3
    rules = MonitorRules(floors={"normal": 0.5})
    drift = findings_of(judge_columns(window_of(rows), reference, CONTRACT, rules), "drift")
    assert (drift["normal"].verdict, drift["normal"].bound) == ("ok", 0.5)


def test_half_of_the_columns_make_the_whole_data_drift(reference: Reference) -> None:
    rows = rows_of(2_000)
    rows[:, :6] += 1.0
    finding = findings_of(judge_columns(window_of(rows), reference, CONTRACT, RULES), "share")[""]
    assert (finding.verdict, finding.value, finding.bound) == ("raised", 0.5, 0.5)
    assert finding.details["raised"] == list(NAMES[:6])
    assert finding.reason == "6 of 12 columns drifted"


def test_without_a_reference_nothing_is_judged() -> None:
    findings = judge_drift(window_of(rows_of(500)), None, CONTRACT, RULES)
    assert {(finding.verdict, finding.reason) for finding in findings} == {
        ("unknown", "no reference")
    }
    assert {finding.kind for finding in findings} == {"drift", "prediction", "share", "relation"}


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_too_few_rows_are_said_of_every_column(reference: Reference, rows: int) -> None:
    findings = judge_drift(window_of(rows_of(rows)), reference, CONTRACT, RULES)
    assert {(finding.verdict, finding.reason) for finding in findings} == {
        ("unknown", "not enough rows")
    }


def test_the_last_window_stands_beside_the_reference(reference: Reference) -> None:
    rows = rows_of(1_000)
    former = window_of(rows_of(1_000, seed=3))
    findings = judge_columns(window_of(rows), reference, CONTRACT, RULES, former)
    drift = findings_of(findings, "drift")
    picture = drift["normal"].details["histogram"]
    assert len(picture["former"]) == len(picture["window"]) == len(picture["edges"]) - 1
    assert sum(picture["former"]) == pytest.approx(1.0, abs=0.01)
    assert len(drift["category_3"].details["levels"]["former"]) == 3
    assert 0 < drift["normal"].details["former_effect"] < 0.2
