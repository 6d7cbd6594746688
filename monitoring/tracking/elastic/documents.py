"""A finding as a document: ECS' names where it has one, ours below `swarmline`."""

from __future__ import annotations

import hashlib
from typing import Any

from monitoring.findings import Finding, WindowRecord

ECS_VERSION = "9.4.0"
DATASET = "swarmline.monitor"
SERVICE = "swarmline-monitor"


def document(record: WindowRecord, finding: Finding) -> dict[str, Any]:
    """What is not known is left out. Histograms and example rows stay in the database: this is for curves over time."""
    about = " ".join(
        filter(None, (record.model, record.version, record.arm, finding.kind, finding.column))
    )
    event = {
        "kind": "metric",
        "module": "swarmline",
        "dataset": DATASET,
        "start": record.start.isoformat(),
        "end": record.end.isoformat(),
        "created": record.judged_at.isoformat(),
        "reason": finding.reason,
    }
    ours = {
        "model": record.model,
        "version": record.version,
        "arm": record.arm,
        "kind": finding.kind,
        "column": finding.column,
        "verdict": finding.verdict,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "bound": finding.bound,
        "visible": finding.visible,
        "rows": finding.rows,
        "window_rows": record.rows,
    }
    return {
        "@timestamp": record.end.isoformat(),
        "message": f"{about}: {finding.verdict}{finding.reason and ', '}{finding.reason}",
        "ecs": {"version": ECS_VERSION},
        "log": {"level": "warning" if finding.verdict == "raised" else "info"},
        "event": _known(event),
        "service": _known({"name": SERVICE, "version": record.release}),
        "swarmline": _known(ours),
    }


def index(record: WindowRecord) -> str:
    """By the month of the window, so that one that is judged again finds its documents."""
    return f"swarmline-monitor-{record.start:%Y.%m}"


def identity(record: WindowRecord, finding: Finding) -> str:
    """The same for the same finding of the same window: judged again, it takes its own place."""
    parts = (
        *(record.model, record.version, record.arm, record.start.isoformat()),
        *(finding.kind, finding.column, str(finding.details.get("metric", ""))),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
