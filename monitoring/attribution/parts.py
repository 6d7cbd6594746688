"""The slices whose quality or share changed: those that got worse first, then those that came more or less often."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from monitoring.findings.values import Finding
from monitoring.quality.slices import slices_of
from monitoring.window.values import Window
from service.bundle.contract import Contract
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from training.metrics.tasks import METRICS

#: A slice's share changed if it differs by as much, and by more deviations than chance gives.
SHARE_FLOOR = 0.05
DEVIATIONS = 3.0
MOST_SLICES = 10


def rank_worse_slices(
    findings: Sequence[Finding], former: Sequence[Finding], contract: Contract
) -> list[Finding]:
    """Those whose interval lies beyond the former window's, by their share times how much they lost."""
    before = {_key(finding): finding for finding in former if finding.kind == "slice"}
    greater = {metric.name: metric.greater_is_better for metric in METRICS[contract.task]}
    causes = [
        _worse(finding, before[_key(finding)])
        for finding in findings
        if finding.kind == "slice"
        and is_worse(finding, before.get(_key(finding)), greater[finding.details["metric"]])
    ]
    return sorted(causes, key=lambda cause: -(cause.value or 0.0))[:MOST_SLICES]


def rank_shares(
    window: Window, reference: Reference, contract: Contract, rules: MonitorRules
) -> list[Finding]:
    """Those with another share of the window than of the reference, by the difference."""
    causes = list(_other_shares(window, reference, contract, rules))
    return sorted(causes, key=lambda cause: -abs(cause.value or 0.0))[:MOST_SLICES]


def is_worse(finding: Finding, former: Finding | None, greater_is_better: bool) -> bool:
    """Whether an interval lies wholly beyond another, on the worse side; not so where either is not known."""
    if former is None or "unknown" in (finding.verdict, former.verdict):
        return False
    worse, better = (finding, former) if greater_is_better else (former, finding)
    return worse.high is not None and better.low is not None and worse.high < better.low


def _other_shares(
    window: Window, reference: Reference, contract: Contract, rules: MonitorRules
) -> Iterator[Finding]:
    rows = len(window.matrix)
    for part in slices_of(window.matrix, contract, reference, rules.slices):
        share = len(part.rows) / max(1, rows)
        chance = (
            part.expected * (1 - part.expected) * (1 / max(1, rows) + 1 / max(1, reference.rows))
        )
        if abs(share - part.expected) >= max(SHARE_FLOOR, DEVIATIONS * math.sqrt(chance)):
            yield Finding(
                kind="cause",
                column=part.name,
                verdict="raised",
                reason=f"{share:.0%} of the rows; {part.expected:.0%} of the reference's",
                value=share - part.expected,
                rows=len(part.rows),
                details={"of": "share", "share": share, "expected": part.expected},
            )


def _worse(finding: Finding, former: Finding) -> Finding:
    now, before = finding.value or 0.0, former.value or 0.0
    metric, share = finding.details["metric"], finding.details["share"]
    return Finding(
        kind="cause",
        column=finding.column,
        verdict="raised",
        reason=f"{metric} {now:.4g}; {before:.4g} before",
        value=share * abs(now - before),
        low=finding.low,
        high=finding.high,
        rows=finding.rows,
        details={"of": "slice", "metric": metric, "now": now, "before": before, "share": share},
    )


def _key(finding: Finding) -> tuple[str, str]:
    return finding.column, finding.details["metric"]
