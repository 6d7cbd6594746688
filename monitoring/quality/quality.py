"""The metrics of training on the rows whose truth is in, with intervals, of all of them and by slice."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from monitoring.estimate.bounds import metric_finding, unknown_finding
from monitoring.findings.values import Finding
from monitoring.quality.slices import Slice, slices_of
from monitoring.quality.truth import judge_truth
from monitoring.window.values import TruthRows, Window
from service.bundle.contract import Contract
from service.bundle.engines import Answer
from service.bundle.monitor_rules import Bound, MonitorRules
from service.bundle.reference import Reference
from training.metrics.metric import Metric, Scored, measure_with_intervals, scored_of
from training.metrics.tasks import METRICS, usual_metrics

#: Resamples for an interval are no larger; their spread is scaled to the true number of rows.
MOST_ROWS = 5_000
#: Below so many rows, a slice has no quality, as in training.
SLICE_ROWS = 50
NO_TRUTH_BY_ROW = "no truth by row: a recipe is not right or wrong"


def judge_quality(
    truth_rows: TruthRows,
    window: Window,
    reference: Reference | None,
    contract: Contract,
    rules: MonitorRules,
) -> list[Finding]:
    """Of one version and arm: a finding a metric; one a slice, of the metrics with a bound; and what truth there is.

    Judged anew when more truth, or another, is in: its findings are then the window's.
    """
    if contract.task == "optimization":
        return [
            Finding(kind="quality", verdict="unknown", reason=NO_TRUTH_BY_ROW, rows=window.rows)
        ]
    scored = _scored(truth_rows, contract)
    return [
        *_judge_metrics(scored, contract, rules, window.seed),
        *_judge_slices(truth_rows, scored, reference, contract, rules),
        *judge_truth(truth_rows, window, contract, rules),
    ]


def _scored(rows: TruthRows, contract: Contract) -> Scored:
    return scored_of(rows.truth, Answer(rows.values, rows.probabilities), contract.levels)


def _judge_metrics(
    scored: Scored, contract: Contract, rules: MonitorRules, seed: int
) -> Iterator[Finding]:
    metrics, rows = usual_metrics(contract.task, rules.bounds), len(scored.truth)
    if rows < rules.least_rows:
        reason = f"not enough rows with truth: {rows:,} of at least {rules.least_rows:,}"
        for metric in metrics:
            if metric.of_quantiles and not contract.levels:
                continue
            yield unknown_finding(
                "quality", metric.name, reason, rules.bounds.get(metric.name), rows
            )
        return
    for name, measured in measure_with_intervals(metrics, scored, seed, MOST_ROWS).items():
        yield metric_finding("quality", name, measured, rules.bounds.get(name), rows)


def _judge_slices(
    truth_rows: TruthRows,
    scored: Scored,
    reference: Reference | None,
    contract: Contract,
    rules: MonitorRules,
) -> Iterator[Finding]:
    bounds = rules.slice_bounds
    metrics = [
        metric for metric in METRICS[contract.task] if metric.name in (bounds or rules.bounds)
    ]
    for part in slices_of(truth_rows.matrix, contract, reference, rules.slices):
        for metric in metrics or METRICS[contract.task][:1]:
            yield _judge_slice(part, metric, scored, bounds.get(metric.name))


def _judge_slice(part: Slice, metric: Metric, scored: Scored, bound: Bound | None) -> Finding:
    rows = len(part.rows)
    details = {
        "metric": metric.name,
        "share": rows / max(1, len(scored.truth)),
        "expected": part.expected,
    }
    if rows < SLICE_ROWS:
        reason = f"not enough rows with truth: {rows:,} of at least {SLICE_ROWS:,}"
        finding = unknown_finding("slice", part.name, reason, bound, rows)
    else:
        measured = measure_with_intervals([metric], scored.take(part.rows), most=MOST_ROWS)
        finding = metric_finding("slice", part.name, measured[metric.name], bound, rows)
    return replace(finding, details=details)
