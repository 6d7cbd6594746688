from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from monitoring.findings import Finding, Store, WindowRecord
from monitoring.tracking.sender import Sender, WindowRefused
from tests.support.machine import wait_until
from tests.support.monitoring import record as window
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


def test_a_window_that_is_refused_holds_up_no_other_and_is_left_once_another_is_taken(
    database: str,
):
    store = Store(database)
    store.prepare()
    for number in range(3):
        store.save(window(number), [])
    said: list[tuple[bool, str]] = []
    taken: list[WindowRecord] = []

    def send(record: WindowRecord, _findings: Sequence[Finding]) -> None:
        if record == window(0):
            raise WindowRefused("a metric of it is out of range")
        taken.append(record)

    sender = Sender("mlflow", store, send, lambda up, reason: said.append((up, reason)))
    assert sender.send_some() == 2
    assert taken == [window(1), window(2)]
    assert store.unsent("mlflow") == []
    assert said == [(True, "1 window was refused: a metric of it is out of range")]
    store.close()


def test_a_place_that_refuses_every_window_gets_them_once_it_takes_them(database: str):
    store = Store(database)
    store.prepare()
    store.save(window(), [])
    store.save(window(1), [])
    said: list[tuple[bool, str]] = []

    def refuse(_record: WindowRecord, _findings: Sequence[Finding]) -> None:
        raise WindowRefused("the experiment was deleted")

    sender = Sender("mlflow", store, refuse, lambda up, reason: said.append((up, reason)))
    assert sender.send_some() == 0
    assert said == [(False, "the experiment was deleted")]
    assert len(store.unsent("mlflow")) == 2
    store.close()
