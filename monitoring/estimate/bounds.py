"""A metric with its interval as a finding, held to the bound of the spec's gate."""

from __future__ import annotations

import math

from msgspec.structs import replace

from monitoring.estimate.interval import Estimate
from monitoring.findings.values import Finding, Kind
from service.bundle.manifest import Metric
from service.bundle.monitor_rules import Bound


def metric_finding(
    kind: Kind, metric: str, measured: Estimate | Metric | None, bound: Bound | None, rows: int
) -> Finding:
    """Raised if the whole interval lies beyond the bound; `measured` is an estimate, or a metric by the truth.

    By the value alone, a good model near its gate would be raised in every other small window.
    """
    limit = None if bound is None else bound.max if bound.min is None else bound.min
    finding = Finding(kind=kind, column=metric, verdict="ok", bound=limit, rows=rows)
    if measured is None or not math.isfinite(measured.value):
        return replace(finding, verdict="unknown", reason="it cannot be computed on these rows")
    value, low, high = (float(end) for end in (measured.value, measured.low, measured.high))
    finding = replace(finding, value=value, low=low, high=high)
    if bound is None:
        return finding
    if bound.max is not None and low > bound.max:
        reason = f"above {bound.max:g}: at least {low:.4g}"
        return replace(finding, verdict="raised", reason=reason, bound=bound.max)
    if bound.min is not None and high < bound.min:
        return replace(finding, verdict="raised", reason=f"below {bound.min:g}: at most {high:.4g}")
    return finding


def unknown_finding(
    kind: Kind, metric: str, reason: str, bound: Bound | None, rows: int
) -> Finding:
    """Not known, and therefore not raised; the bound is shown all the same."""
    return replace(metric_finding(kind, metric, None, bound, rows), reason=reason)
