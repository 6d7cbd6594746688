"""Judges the drift of one window: columns, missing values, predictions, their share, and how columns relate."""

from __future__ import annotations

import numpy as np

from monitoring.drift.comparison import Comparison, decide, unknown
from monitoring.drift.eligible import why_not_judged
from monitoring.drift.missing import compare_missing
from monitoring.drift.nearest import compare_nearest
from monitoring.drift.numbers import Subject
from monitoring.drift.predictions import compare_predictions
from monitoring.drift.relation import judge_relation
from monitoring.drift.seasons import expect
from monitoring.drift.values import Values
from monitoring.findings.values import Finding
from monitoring.window.values import Window
from service.bundle.contract import Column, Contract
from service.bundle.monitor_rules import JudgingRules
from service.bundle.reference import Reference


def judge_drift(
    window: Window,
    reference: Reference | None,
    contract: Contract,
    rules: JudgingRules,
    former: Window | None = None,
) -> list[Finding]:
    """Of features, missing values, predictions, the share of drifted columns, and the relation of columns.

    `former` is the last window of the same length, for the page alone.
    """
    findings = judge_columns(window, reference, contract, rules, former)
    reason = _why_nothing(window, reference, rules)
    if reference is None or reason:
        return [*findings, unknown("relation", "", reason, len(window.matrix))]
    return [*findings, _relation(window, reference, contract, rules)]


def judge_columns(
    window: Window,
    reference: Reference | None,
    contract: Contract,
    rules: JudgingRules,
    former: Window | None = None,
) -> list[Finding]:
    """All but the relation: each column and output by itself, by one level over all of the window's tests."""
    reason = _why_nothing(window, reference, rules)
    if reference is None or reason:
        findings = [
            unknown("drift", column.name, reason, len(window.matrix)) for column in contract.columns
        ] + [
            unknown("prediction", output.name, reason, len(window.matrix))
            for output in contract.outputs
        ]
        return [*findings, unknown("share", "", reason, len(window.matrix))]
    expectation = expect(reference, window.at)
    unjudged: list[Finding] = []
    comparisons: list[Comparison] = []
    for column in contract.columns:
        position = contract.positions(column.name)[0]
        values = _present(window, position)
        reason = why_not_judged(column, values, window, reference, rules)
        if reason:
            unjudged.append(unknown("drift", column.name, reason, len(values)))
        else:
            earlier = None if former is None else _present(former, position)
            subject = Subject("drift", column.name, rules.floor_of(column.name))
            profiles = expectation.profiles(column.name)
            comparisons.append(compare_nearest(subject, values, profiles, earlier))
        if column.name in reference.columns:
            comparisons += _missing(column, values, window, reference, rules)
    predicted, unanswered = compare_predictions(window, expectation, contract, rules, former)
    findings = decide(comparisons + predicted, rules.q)
    return [*findings, *unjudged, *unanswered, _share(findings, rules)]


def _why_nothing(window: Window, reference: Reference | None, rules: JudgingRules) -> str:
    """Empty where there is something to compare."""
    if reference is None:
        return "no reference"
    return "not enough rows" if len(window.matrix) < rules.least_rows else ""


def _present(window: Window, position: int) -> Values:
    values = window.matrix[:, position]
    return values[~np.isnan(values)].astype(np.float64)


def _missing(
    column: Column, values: Values, window: Window, reference: Reference, rules: JudgingRules
) -> list[Comparison]:
    """Where there are nulls or may be: elsewhere it is a test of nothing, at the cost of the others' level."""
    rows, profile = len(window.matrix), reference.columns[column.name]
    nulls = rows - len(values)
    if not (column.nullable or profile.nulls or nulls):
        return []
    return [compare_missing(column.name, nulls, rows, profile, rules.missing_floor)]


def _share(findings: list[Finding], rules: JudgingRules) -> Finding:
    """Of the features, without predictions and missing values."""
    judged = [finding for finding in findings if finding.kind == "drift"]
    raised = [finding.column for finding in judged if finding.verdict == "raised"]
    if not judged:
        return unknown("share", "", "no column could be judged")
    share = len(raised) / len(judged)
    alarming = share >= rules.drift_share
    return Finding(
        kind="share",
        verdict="raised" if alarming else "ok",
        reason=f"{len(raised)} of {len(judged)} columns drifted" if alarming else "",
        value=share,
        bound=rules.drift_share,
        rows=max(finding.rows for finding in judged),
        details={"raised": raised, "judged": len(judged)},
    )


def _relation(
    window: Window, reference: Reference, contract: Contract, rules: JudgingRules
) -> Finding:
    expectation = expect(reference, window.at)
    left_out = {}
    for position, feature in enumerate(contract.features):
        column = feature.column
        reason = why_not_judged(column, _present(window, position), window, reference, rules)
        if not reason and expectation.moves_with_calendar(column.name):
            reason = "it moves with the calendar, and the reference's whole rows are of all seasons"
        if reason:
            left_out[feature.name] = reason
    names = tuple(feature.name for feature in contract.features)
    return judge_relation(names, window.matrix, reference, rules.least_rows, left_out, window.seed)
