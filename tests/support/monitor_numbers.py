"""The monitor's own numbers over HTTP: its exporter, over a database in which a window was judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitoring.exporter import Exporter
from monitoring.findings import Finding, Store
from tests.support.monitoring import record
from tests.support.web import scraped

MODEL = "yield-prediction"
FINDINGS = (
    Finding(kind="drift", column="light", verdict="ok", value=0.03, bound=0.1, rows=500),
    Finding(kind="estimate", column="r2", verdict="ok", value=0.91, bound=0.7, rows=500),
    Finding(kind="quality", column="r2", verdict="ok", value=0.9, bound=0.7, rows=250),
    Finding(kind="truth", column="share", verdict="ok", value=0.5, rows=500),
    Finding(kind="truth", column="delay", verdict="ok", value=900.0, rows=250),
)


@contextmanager
def monitor(folder: Path) -> Iterator[tuple[str, Store]]:
    """Its address, and its database."""
    store = Store(f"sqlite:///{folder}/monitor.db")
    store.prepare()
    now = dt.datetime.now(dt.UTC)
    start = now - dt.timedelta(minutes=20)
    window = record(model=MODEL, start=start, end=now - dt.timedelta(minutes=10), judged_at=now)
    store.save(window, list(FINDINGS))
    store.note_success(MODEL, now)
    store.note_source("journal", True, "", now)
    store.note_source("clock", True, "", now, 0.01)
    exporter = Exporter(store, 600.0)

    try:
        with scraped(exporter.scrape) as address:
            yield address, store
    finally:
        store.close()
