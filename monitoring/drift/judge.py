"""Judges the drift of one window: columns, missing values, predictions, their share, and how columns relate."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from monitoring.drift.comparison import Comparison, decide, unknown
from monitoring.drift.eligible import present_values, why_not_judged
from monitoring.drift.missing import compare_missing, compare_others
from monitoring.drift.nearest import compare_nearest, join_parts
from monitoring.drift.numbers import Floats, Subject
from monitoring.drift.predictions import compare_predictions
from monitoring.drift.relation import judge_relation
from monitoring.drift.seasons import Expectation, expect
from monitoring.findings.values import Finding
from monitoring.window.values import Window
from service.bundle.contract import Contract, Part
from service.bundle.monitor_rules import JudgingRules
from service.bundle.reference import CategoryProfile, Reference


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
        parts = contract.parts_of(column.name)
        reasons = {part.name: why_not_judged(part, window, reference, rules) for part in parts}
        judged_parts = [part for part in parts if not reasons[part.name]]
        present = present_values(window, parts[0])
        if judged_parts:
            comparisons.append(_moved(judged_parts, window, expectation, rules, former))
        else:
            reason = "; ".join(dict.fromkeys(reasons.values()))
            unjudged.append(unknown("drift", column.name, reason, len(present)))
        if parts[0].name in reference.columns:
            comparisons += _missing(parts[0], present, window, reference, rules)
            comparisons += _others(parts[0], present, reference, rules)
    predicted, unanswered = compare_predictions(window, expectation, contract, rules, former)
    findings = decide(comparisons + predicted, rules.q)
    return [*findings, *unjudged, *unanswered, _share(findings, rules)]


def _why_nothing(window: Window, reference: Reference | None, rules: JudgingRules) -> str:
    """Empty where there is something to compare."""
    if reference is None:
        return "no reference"
    return "not enough rows" if len(window.matrix) < rules.least_rows else ""


def _moved(
    parts: list[Part],
    window: Window,
    expectation: Expectation,
    rules: JudgingRules,
    former: Window | None,
) -> Comparison:
    """A column, by all its parts that can be judged."""
    column = parts[0].column.name
    subject = Subject("drift", column, rules.floor_of(column))
    comparisons = [
        compare_nearest(
            subject,
            present_values(window, part),
            expectation.profiles(part.name),
            None if former is None else present_values(former, part),
        )
        for part in parts
    ]
    return join_parts(parts, comparisons)


def _missing(
    part: Part, values: Floats, window: Window, reference: Reference, rules: JudgingRules
) -> list[Comparison]:
    """Where there are nulls or may be: elsewhere it is a test of nothing, at the cost of the others' level."""
    rows, profile = len(window.matrix), reference.columns[part.name]
    nulls = rows - len(values)
    if not (part.column.nullable or profile.nulls or nulls):
        return []
    return [compare_missing(part.column.name, nulls, rows, profile, rules.missing_floor)]


def _others(
    part: Part, values: Floats, reference: Reference, rules: JudgingRules
) -> list[Comparison]:
    """Of a column that takes texts which are no category of it."""
    code, profile = part.column.other, reference.columns[part.name]
    if code is None or len(values) < rules.least_rows or not isinstance(profile, CategoryProfile):
        return []
    others = int(np.count_nonzero(values == code))
    return [compare_others(part.column.name, others, len(values), profile, rules.other_floor)]


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
    expectation, features = expect(reference, window.at), contract.features
    left_out: dict[str, str] = {}
    for part in contract.parts:
        reason = why_not_judged(part, window, reference, rules)
        if not reason and expectation.moves_with_calendar(part.name):
            reason = "it moves with the calendar, and the reference's whole rows are of all seasons"
        if reason:
            left_out |= {features[position].name: reason for position in part.positions}
    importance = {
        feature.name: reference.importance.get(feature.column.name, 0.0) for feature in features
    }
    return judge_relation(
        tuple(importance),
        window.matrix,
        replace(reference, importance=importance),
        rules.least_rows,
        left_out,
        window.seed,
    )
