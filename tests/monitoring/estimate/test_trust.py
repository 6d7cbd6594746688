"""The trust line: truth beside the estimate of the same rows, and when it is said that the relation changed."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.estimate.estimate import judge_estimate
from monitoring.estimate.trust import distrust, judge_trust, relation_changed
from monitoring.findings.values import Finding
from service.bundle.monitor_rules import Bound, MonitorRules
from tests.support.monitoring.populations import Population, Rows, population, truth_of, window_of

LEAST = 100


def trust(drawn: Population, rows: Rows) -> list[Finding]:
    return judge_trust(truth_of(rows), drawn.reference, drawn.loss_model, drawn.contract, LEAST)


def line(*verdicts: str) -> list[list[Finding]]:
    return [
        [Finding(kind="trust", column="accuracy", verdict=verdict)] for verdict in verdicts  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("name", ["easy", "numbers"])
def test_a_changed_relation_is_said_within_three_windows_of_truth(
    name: str,
):
    drawn, random = population(name), np.random.default_rng(4)
    before = [trust(drawn, drawn.draw(500, random)) for _ in range(10)]
    after = [trust(drawn, drawn.draw(500, random, changed=True)) for _ in range(3)]
    assert not relation_changed(before)
    assert relation_changed([*before, *after])


def test_a_gap_says_what_truth_and_estimate_were(easy: Population):
    rows = easy.draw(500, np.random.default_rng(4), changed=True)
    accuracy = {finding.column: finding for finding in trust(easy, rows)}["accuracy"]
    assert accuracy.verdict == "raised"
    assert accuracy.value < -3  # type: ignore[operator]
    assert accuracy.reason.endswith("by estimate")
    assert accuracy.details["realised"] < accuracy.details["low"]


def test_truth_that_comes_first_for_hard_rows_is_no_gap(easy: Population):
    """The estimate is of the rows with truth, so that it is lower there, too."""
    rows = easy.draw(4000, np.random.default_rng(6))
    unsure = np.flatnonzero(rows.probabilities.max(axis=1) < 0.9)  # type: ignore[union-attr]
    hard = rows.take(unsure)
    assert {finding.verdict for finding in trust(easy, hard)} == {"ok"}


def test_little_truth_says_nothing(easy: Population):
    findings = trust(easy, easy.draw(99, np.random.default_rng(1)))
    assert {finding.verdict for finding in findings} == {"unknown"}
    assert findings[0].reason == "not enough rows: 99 of at least 100"


@pytest.mark.parametrize(
    ("verdicts", "changed"),
    [
        ("", False),
        ("raised", False),
        ("raised ok", False),
        ("raised raised", True),
        ("raised ok raised", True),
        ("raised ok ok raised", False),
        ("raised unknown unknown raised", True),
        ("raised raised ok ok", True),
        ("raised raised ok ok ok", False),
        ("raised raised ok unknown ok", True),
        ("raised raised ok ok raised ok", True),
    ],
)
def test_two_of_three_windows_with_truth_change_it_and_three_without_a_gap_end_it(
    verdicts: str, changed: bool
):
    assert relation_changed(line(*verdicts.split())) == changed


def test_gaps_of_two_metrics_are_not_added_up():
    accuracy, auc = (
        [Finding(kind="trust", column=name, verdict="raised")] for name in ("accuracy", "auc")
    )
    assert not relation_changed([accuracy, auc])


def test_an_estimate_that_is_not_trusted_is_shown_and_not_raised(easy: Population):
    rules = MonitorRules(bounds={"accuracy": Bound(min=0.99)})
    rows = easy.draw(300, np.random.default_rng(1))
    findings = judge_estimate(window_of(rows), easy.reference, None, easy.contract, rules)
    assert "raised" in {finding.verdict for finding in findings}
    for former, finding in zip(findings, distrust(findings), strict=True):
        assert finding.verdict == "unknown"
        assert finding.reason.startswith("relation changed")
        assert (finding.value, finding.low) == (former.value, former.low)


def test_what_cannot_be_known_keeps_its_reason(easy: Population):
    rows = easy.draw(50, np.random.default_rng(1))
    findings = judge_estimate(window_of(rows), easy.reference, None, easy.contract, MonitorRules())
    assert distrust(findings) == findings
