"""What explains a drop: columns that moved, slices that changed, rows to look at."""

from __future__ import annotations

from collections.abc import Sequence

from monitoring.attribution.columns import rank_columns
from monitoring.attribution.examples import strangest_rows, worst_rows
from monitoring.attribution.parts import is_worse, rank_shares, rank_worse_slices
from monitoring.findings.values import Finding
from monitoring.window.values import TruthRows, Window
from service.bundle.contract import Contract
from service.bundle.monitor_rules import MonitorRules
from service.bundle.reference import Reference
from training.metrics.tasks import METRICS

NO_COLUMN_MOVED = "no column moved by its floor: what goes with what may have changed, which inputs alone cannot show"


def explain_drop(
    findings: Sequence[Finding],
    former: Sequence[Finding],
    window: Window,
    truth_rows: TruthRows | None,
    reference: Reference | None,
    *,
    contract: Contract,
    rules: MonitorRules,
) -> list[Finding]:
    """Nothing unless an estimate or a quality dropped; `former` are the findings of the last good window.

    Details say of what a cause is: `of` is column, slice, share or rows.
    """
    if reference is None or not has_dropped(findings, former, contract):
        return []
    columns = rank_columns(findings, reference.importance)
    nothing = Finding(
        kind="cause",
        verdict="ok",
        reason=NO_COLUMN_MOVED,
        rows=window.rows,
        details={"of": "column"},
    )
    return [
        *(columns or [nothing]),
        *rank_worse_slices(findings, former, contract),
        *rank_shares(window, reference, contract, rules),
        *_rows_to_look_at(columns, window, truth_rows, reference, contract),
    ]


def last_good(windows: Sequence[Sequence[Finding]]) -> Sequence[Finding]:
    """Of windows' findings, the oldest first, those of the last window whose metrics are known and none raised.

    A drop that lasts is so explained by what was before it, not by its own first window.
    """
    for findings in reversed(windows):
        verdicts = {finding.verdict for finding in findings if _is_metric(finding)}
        if "ok" in verdicts and "raised" not in verdicts:
            return findings
    return ()


def has_dropped(findings: Sequence[Finding], former: Sequence[Finding], contract: Contract) -> bool:
    """A metric is beyond its bound, or its interval beyond the former window's."""
    before = {(finding.kind, finding.column): finding for finding in former}
    greater = {metric.name: metric.greater_is_better for metric in METRICS[contract.task]}
    return any(
        finding.verdict == "raised"
        or is_worse(finding, before.get((finding.kind, finding.column)), greater[finding.column])
        for finding in findings
        if _is_metric(finding) and finding.column in greater
    )


def _is_metric(finding: Finding) -> bool:
    return finding.kind in ("estimate", "quality")


def _rows_to_look_at(
    columns: Sequence[Finding],
    window: Window,
    truth_rows: TruthRows | None,
    reference: Reference,
    contract: Contract,
) -> list[Finding]:
    if truth_rows is not None and len(truth_rows.truth):
        rows = worst_rows(truth_rows, contract)
    elif columns:
        rows = strangest_rows(window, contract, reference, columns[0].column)
    else:
        rows = []
    if not rows:
        return []
    return [
        Finding(kind="cause", verdict="ok", rows=len(rows), details={"of": "rows", "rows": rows})
    ]
