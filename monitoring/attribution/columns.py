"""The columns that moved, ranked by how far and by how much the model goes by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.findings.values import Finding

MOST_COLUMNS = 10


def rank_columns(findings: Sequence[Finding], importance: Mapping[str, float]) -> list[Finding]:
    """By effect over floor, times importance; what did not reach its floor explains nothing.

    A column may have moved and lost values besides: the greater of the two counts. Without importances, as of a bundle
    from before there were any, all columns count the same.
    """
    causes = [
        _cause(finding, finding.value / finding.bound, importance)
        for finding in findings
        if finding.kind in ("drift", "missing", "other")
        and finding.value is not None
        and finding.bound
        and finding.value >= finding.bound
    ]
    best: dict[str, Finding] = {}
    for cause in sorted(causes, key=_score, reverse=True):
        best.setdefault(cause.column, cause)
    return sorted(best.values(), key=_order)[:MOST_COLUMNS]


def _cause(finding: Finding, over_floor: float, importance: Mapping[str, float]) -> Finding:
    weight = max(0.0, importance.get(finding.column, 0.0)) if importance else 1.0
    details: dict[str, Any] = {
        "of": "column",
        "kind": finding.kind,
        "effect": finding.value,
        "floor": finding.bound,
        "importance": weight if importance else None,
    }
    return Finding(
        kind="cause",
        column=finding.column,
        verdict=finding.verdict,
        value=over_floor * weight,
        rows=finding.rows,
        details=details,
    )


def _score(cause: Finding) -> float:
    return cause.value or 0.0


def _order(cause: Finding) -> tuple[float, float]:
    """Columns of no importance by their effect."""
    return -_score(cause), -(cause.details["effect"] / cause.details["floor"])
