from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from monitoring.findings import Finding, Store, WindowRecord
from monitoring.tracking.sender import Sender
from tests.support.machine import wait_until
from tests.support.monitoring import record_of

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def test_a_place_that_answers_what_nobody_expected_is_said_and_asked_again(
    database: str,
):
    store = Store(database)
    store.prepare()
    record = record_of(START, START + dt.timedelta(hours=1), model="grade", rows=500)
    store.save(record, [])
    said: list[tuple[bool, str]] = []
    answers = [True]

    def send(_record: WindowRecord, _findings: Sequence[Finding]) -> None:
        if answers.pop() if answers else False:
            raise ValueError("no JSON")

    sender = Sender("mlflow", store, send, lambda up, reason: said.append((up, reason)))
    sender.start()
    try:
        wait_until(lambda: not store.unsent("mlflow"), "the window was sent", 30)
    finally:
        sender.stop()
        store.close()
    assert said[0][0] is False and "no JSON" in said[0][1]
    assert said[-1] == (True, "")
