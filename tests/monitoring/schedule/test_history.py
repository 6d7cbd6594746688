"""What is remembered of earlier windows, in a real database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from monitoring.estimate import relation_changed
from monitoring.findings import Finding, Store
from monitoring.schedule.history import History
from monitoring.window.values import Arm
from tests.support.monitoring import record_of

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
ARM = Arm("grade", "1", "champion")


def keep(store: Store, number: int, findings: Sequence[Finding]) -> None:
    start = START + number * HOUR
    arm = {"model": ARM.model, "version": ARM.version, "arm": ARM.name}
    record = record_of(start, start + HOUR, **arm, rows=500)
    store.save(record, findings)


def test_that_the_relation_changed_is_remembered_for_as_long_as_truth_takes_to_come(store: Store):
    for number in range(100):
        verdict = "raised" if number < 3 else "unknown"
        keep(store, number, [Finding(kind="trust", column="mae", verdict=verdict, value=9.0)])
    earlier = History(store).before(ARM, START + 100 * HOUR)
    trust = [[finding for finding in window if finding.kind == "trust"] for window in earlier]
    assert relation_changed(trust)
