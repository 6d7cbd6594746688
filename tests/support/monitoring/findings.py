"""Findings as a judged window has them: of a column's drift, and of a metric, measured and estimated."""

from __future__ import annotations

from typing import Any

import numpy as np

from monitoring.estimate import distrust
from monitoring.findings.values import Finding


def drift(
    column: str,
    effect: float,
    kind: Any = "drift",
    shift: float = 0.0,
    categories: tuple[str, ...] = (),
) -> Finding:
    raised = effect >= 0.1
    return Finding(
        kind=kind,
        column=column,
        verdict="raised" if raised else "ok",
        value=effect,
        bound=0.1,
        visible=0.104,
        rows=4180,
        details=_categories(categories, effect) if categories else _numbers(shift),
    )


def _numbers(shift: float) -> dict[str, Any]:
    edges = np.linspace(-3, 3, 21)
    middle = (edges[1:] + edges[:-1]) / 2
    reference, window = np.exp(-(middle**2) / 2), np.exp(-((middle - shift) ** 2) / 2)
    shares = {
        "edges": [round(float(edge), 2) for edge in edges],
        "reference": [round(float(share), 4) for share in reference / reference.sum()],
        "window": [round(float(share), 4) for share in window / window.sum()],
        "former": [round(float(share), 4) for share in reference / reference.sum()],
    }
    return {"histogram": shares, "former_effect": 0.03, "reference": {"of": "all rows"}}


def _categories(names: tuple[str, ...], effect: float) -> dict[str, Any]:
    reference = np.array([1 / (place + 1) for place in range(len(names))])
    window = reference * [1 + effect * place for place in range(len(names))]
    shares = {
        "names": list(names),
        "reference": [round(float(share), 4) for share in reference / reference.sum()],
        "window": [round(float(share), 4) for share in window / window.sum()],
    }
    return {"levels": shares, "reference": {"of": "all rows"}}


def metric(name: str, quality: float, estimate: float, bound: float | None) -> list[Finding]:
    def side(kind: Any, value: float, half: float, rows: int) -> Finding:
        worse = bound is not None and value < bound
        return Finding(
            kind=kind,
            column=name,
            verdict="raised" if worse else "ok",
            value=value,
            low=value - half,
            high=value + half,
            bound=bound,
            rows=rows,
        )

    return [side("quality", quality, 0.012, 2592), side("estimate", estimate, 0.016, 4180)]


def distrusted(findings: list[Finding], changed: bool) -> list[Finding]:
    return [findings[0], *distrust(findings[1:])] if changed else findings
