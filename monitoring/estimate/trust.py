"""Whether estimates may be trusted: what they say of rows whose truth is in, beside what that truth says.

That the relation between inputs and truth changed cannot be seen in the inputs. It is seen here, once truth comes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from monitoring.estimate.estimate import Estimates, estimate
from monitoring.findings.values import RELATION_CHANGED, Finding
from monitoring.window.values import TruthRows, answers_of
from service.bundle.contract import Contract
from service.bundle.engines import Engine
from service.bundle.reference import Reference
from training.metrics.metric import Scored, measure
from training.metrics.tasks import usual_metrics

#: A gap of so many joint deviations is not chance.
GAP = 3.0
#: The relation changed if so many of the last so many windows with truth have such a gap.
CHANGED_WINDOWS = 2
OF_WINDOWS = 3


def judge_trust(
    truth_rows: TruthRows,
    reference: Reference | None,
    loss_model: Engine | None,
    contract: Contract,
    least_rows: int,
    drift_findings: Sequence[Finding] = (),
) -> list[Finding]:
    """A finding a metric: what the truth makes of these rows less their estimate, in the estimate's deviation.

    The estimate is made of these very rows, so that it matters not of which rows the truth comes first; its
    deviation is of both, the rows' own chance and the held-out rows'.
    """
    if contract.task == "optimization":
        return []
    estimates = estimate(truth_rows, reference, loss_model, contract, least_rows, drift_findings)
    rows = len(truth_rows.truth)
    metrics = usual_metrics(contract.task)
    if estimates.unknown:
        return [_unknown(metric.name, estimates.unknown, rows) for metric in metrics]
    values = answers_of(truth_rows.values)
    realised = measure(metrics, Scored(truth_rows.truth, values, truth_rows.probabilities))
    return [
        _finding(name, value, estimates, rows)
        for name, value in realised.items()
        if name in estimates.metrics
    ]


def relation_changed(windows: Sequence[Sequence[Finding]]) -> bool:
    """By the trust findings of a version's windows, oldest first; windows without truth do not count.

    Once changed, it is so until as many windows as are looked at are all without a gap.
    """
    names = {finding.column for findings in windows for finding in findings}
    return any(_changed(windows, name) for name in names)


def distrust(estimates: Sequence[Finding]) -> list[Finding]:
    """Estimates after the relation changed: still shown, and no cause for an alarm."""
    return [
        (
            finding
            if finding.verdict == "unknown"
            else replace(finding, verdict="unknown", reason=RELATION_CHANGED)
        )
        for finding in estimates
    ]


def _changed(windows: Sequence[Sequence[Finding]], metric: str) -> bool:
    gaps = [
        finding.verdict == "raised"
        for findings in windows
        for finding in findings
        if finding.column == metric and finding.verdict != "unknown"
    ]
    changed = False
    for end in range(1, len(gaps) + 1):
        last = gaps[max(0, end - OF_WINDOWS) : end]
        changed = sum(last) >= CHANGED_WINDOWS or (changed and sum(last) > 0)
    return changed


def _finding(metric: str, realised: float, estimates: Estimates, rows: int) -> Finding:
    expected = estimates.metrics[metric]
    if not math.isfinite(realised) or not math.isfinite(expected.value) or expected.deviation <= 0:
        return _unknown(metric, "it cannot be computed on these rows", rows)
    gap = (realised - expected.value) / expected.deviation
    return Finding(
        kind="trust",
        column=metric,
        verdict="raised" if abs(gap) > GAP else "ok",
        reason=f"{realised:.4g} by truth, {expected.value:.4g} by estimate" if abs(gap) > GAP else "",
        value=gap,
        bound=GAP,
        rows=rows,
        details={"realised": realised, "estimate": expected.value, "low": expected.low, "high": expected.high},
    )  # fmt: skip


def _unknown(metric: str, reason: str, rows: int) -> Finding:
    return Finding(
        kind="trust", column=metric, verdict="unknown", reason=reason, bound=GAP, rows=rows
    )
