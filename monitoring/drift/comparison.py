"""One column of a window beside its reference, before the level over all tests is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from monitoring.drift.chance import adjust
from monitoring.findings.values import Finding, Kind

#: Shares and numbers on the page; it bounds the findings' size.
DIGITS = 4


class Comparison(NamedTuple):
    """`least_effect` gives the smallest effect whose p is at most a level; `change` says in words what moved."""

    kind: Kind
    column: str
    rows: int
    effect: float
    p: float
    floor: float
    least_effect: Callable[[float], float]
    change: str
    details: dict[str, Any]


def decide(comparisons: list[Comparison], q: float) -> list[Finding]:
    """All tests of a window together: raised where the effect counts and chance is no explanation."""
    adjusted = adjust([comparison.p for comparison in comparisons])
    level = q / max(len(comparisons), 1)
    return [_finding(*pair, q=q, level=level) for pair in zip(comparisons, adjusted, strict=True)]


def _finding(comparison: Comparison, adjusted: float, q: float, level: float) -> Finding:
    raised = comparison.effect >= comparison.floor and adjusted <= q
    visible = max(comparison.floor, comparison.least_effect(level))
    return Finding(
        kind=comparison.kind,
        column=comparison.column,
        verdict="raised" if raised else "ok",
        reason=comparison.change if raised else "",
        value=comparison.effect,
        bound=comparison.floor,
        visible=visible,
        rows=comparison.rows,
        details={**comparison.details, "p": comparison.p, "p_adjusted": adjusted},
    )


def unknown(kind: Kind, column: str, reason: str, rows: int = 0) -> Finding:
    return Finding(kind=kind, column=column, verdict="unknown", reason=reason, rows=rows)


def rounded(numbers: Any) -> list[float]:
    return [round(float(number), DIGITS) for number in numbers]


def short(number: float) -> str:
    return f"{number:.4g}"


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"
