"""The metrics of a window before its truth is in, each held to its bound, or why they cannot be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.estimate.bounds import metric_finding, unknown_finding
from monitoring.estimate.classes import class_scores, estimate_classes
from monitoring.estimate.interval import Estimate, Predictions
from monitoring.estimate.numbers import estimate_numbers, loss_scores
from monitoring.estimate.unknown import reason_before_scores, reason_by_scores
from monitoring.findings.values import Finding
from monitoring.window.values import Window
from service.bundle.contract import Contract
from service.bundle.engines import Engine
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from training.metrics.tasks import usual_metrics

NO_ESTIMATE = "this metric takes the truth"


class Estimates(NamedTuple):
    """By metric; `unknown` says why there are none."""

    metrics: dict[str, Estimate]
    unknown: str = ""


def judge_estimate(
    window: Window,
    reference: Reference | None,
    loss_model: Engine | None,
    contract: Contract,
    rules: MonitorRules,
    drift_findings: Sequence[Finding] = (),
) -> list[Finding]:
    """A finding a metric; of a model whose rows have no truth, one in all."""
    rows = len(window.values)
    names = [metric.name for metric in usual_metrics(contract.task, rules.bounds)]
    estimates = estimate(
        window, reference, loss_model, contract, rules.least_rows, drift_findings, seed=window.seed
    )
    if estimates.unknown:
        columns = [""] if contract.task == "optimization" else names
        return [
            unknown_finding("estimate", name, estimates.unknown, rules.bounds.get(name), rows)
            for name in columns
        ]
    return [
        (
            metric_finding("estimate", name, estimates.metrics[name], rules.bounds.get(name), rows)
            if name in estimates.metrics
            else unknown_finding("estimate", name, NO_ESTIMATE, rules.bounds[name], rows)
        )
        for name in names
        if name in estimates.metrics or name in rules.bounds
    ]


def estimate(
    rows: Predictions,
    reference: Reference | None,
    loss_model: Engine | None,
    contract: Contract,
    least_rows: int,
    drift_findings: Sequence[Finding] = (),
    *,
    seed: int = 0,
) -> Estimates:
    """Of any rows: a window's, or those whose truth is in."""
    reason = reason_before_scores(rows, reference, contract, least_rows, drift_findings)
    if reason:
        return Estimates({}, reason)
    assert reference is not None  # else there was a reason
    calibration = reference.calibration
    if contract.task == "classification":
        scores = class_scores(rows)
    elif loss_model is None:
        return Estimates({}, "no models of the loss: the bundle has no loss.onnx")
    else:
        scores = loss_scores(rows, loss_model)
    if reason := reason_by_scores(scores, calibration):
        return Estimates({}, reason)
    if contract.task == "classification":
        return Estimates(estimate_classes(rows, scores, calibration, seed))
    return Estimates(estimate_numbers(rows, scores, calibration))
