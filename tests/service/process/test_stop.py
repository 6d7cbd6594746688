"""The stop of a service: it drains first, and loses nothing that it answered."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.service.calls import predict
from tests.support.service.load import Load, journalled
from tests.support.service.server import Server, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("worker", ["poller", "gthread"])]


def test_every_answered_prediction_is_in_the_table_after_a_stop(
    start_server: Callable[..., Server], tmp_path: Path, worker: str
) -> None:
    server = start_server(WORKER=worker)
    ids = [
        predict(server, X_Request_Id=f"n{number}").headers["X-Request-Id"] for number in range(50)
    ]
    assert server.stop() == 0, server.log.read_text()
    assert sorted(journalled(tmp_path)) == sorted(ids)


def test_it_drains_before_it_stops(start_server: Callable[..., Server], worker: str) -> None:
    # Longer than all of this takes; the second word ends it.
    server = start_server(DRAIN_SECONDS="500", WORKER=worker)
    with requests.Session() as session:
        assert predict(server, session).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        ready = server.url + "/health/ready"
        # A response of 503 is falsy itself: hence the list.
        (answer,) = wait_for(
            lambda: [
                answer for answer in [requests.get(ready, timeout=5)] if answer.status_code == 503
            ]
        )
        assert answer.headers["Retry-After"]
        assert requests.get(server.url + "/health/live", timeout=5).status_code == 200
        late = predict(server, session)
        assert late.status_code == 200
        wait_for(lambda: predict(server).headers["Connection"] == "close")
    assert server.stop() == 0


def test_a_second_term_ends_the_drain(start_server: Callable[..., Server], worker: str) -> None:
    server = start_server(DRAIN_SECONDS="500", WORKER=worker)
    server.process.send_signal(signal.SIGTERM)
    ready = server.url + "/health/ready"
    wait_for(lambda: requests.get(ready, timeout=5).status_code == 503)
    assert server.stop() == 0


def test_a_stop_under_load_loses_no_request(
    start_server: Callable[..., Server], tmp_path: Path, worker: str
) -> None:
    server = start_server(DRAIN_SECONDS="1", WORKER=worker)
    load = Load(server)
    try:
        wait_for(lambda: load.good > 100)
        assert server.stop() == 0
    finally:
        load.stop()
    # Who was reset had connected and was not answered: so nothing was predicted for them either.
    assert (load.lost, load.good) == ([], len(journalled(tmp_path)))
    # The poller takes in who has connected; between its last look and the close lie microseconds.
    assert worker == "gthread" or load.dropped <= 2
