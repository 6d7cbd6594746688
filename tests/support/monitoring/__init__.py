"""Windows, findings and alarms as tests need them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from monitoring.findings.database import transaction
from monitoring.findings.rows import cells_of
from monitoring.findings.store import Store
from monitoring.findings.tables import ALARM
from monitoring.findings.values import Alarm, Finding, WindowRecord

HOUR = dt.timedelta(hours=1)
#: The start of the first window.
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def record(number: int = 0, **fields: Any) -> WindowRecord:
    """The window of the hour with this number."""
    start = START + number * HOUR
    times = {"start": start, "end": start + HOUR}
    times |= {"watermark": start + 2 * HOUR, "judged_at": start + 2 * HOUR}
    return record_of(**times | fields)


def record_of(start: dt.datetime, end: dt.datetime, **fields: Any) -> WindowRecord:
    """The window of these times, judged as soon as it ended."""
    values: dict[str, Any] = {
        "model": "yield",
        "version": "3",
        "arm": "champion",
        "start": start,
        "end": end,
        "rows": 1000,
        "sampled": 1000,
        "first": start,
        "last": start + (end - start) / 2,
        "watermark": end,
        "seed": 7,
        "judged_at": end,
    }
    return WindowRecord(**values | fields)


def finding(**fields: Any) -> Finding:
    values: dict[str, Any] = {
        "kind": "drift",
        "column": "temperature",
        "verdict": "ok",
        "value": 0.02,
        "bound": 0.1,
        "visible": 0.12,
        "rows": 1000,
        "details": {"reference": [1, 2], "window": [2, 1]},
    }
    return Finding(**values | fields)


def alarm(number: int = 0, **fields: Any) -> Alarm:
    """As the window with this number raised it."""
    of = record(number)
    values: dict[str, Any] = {
        "model": of.model,
        "version": of.version,
        "arm": of.arm,
        "kind": "drift",
        "column": "temperature",
        "raised_at": of.judged_at,
        "window_start": of.start,
        "reason": "2 of 3 windows",
        "value": 0.4,
        "evidence": finding(verdict="raised", value=0.4),
    }
    return Alarm(**values | fields)


def raise_alarm(store: Store, new: Alarm) -> None:
    """Without a window that says so."""
    with transaction(store.engine) as connection:
        connection.execute(store.upsert(ALARM, cells_of(new), ()))
