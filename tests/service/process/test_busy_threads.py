"""What clients get while every thread is busy, and while the service drains."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.support.service.calls import KEYED, NARROW, SMALL, answers, raw
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow

VERSION = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
RETRAIN = (
    b"POST /v1/models/yield-prediction/retrain HTTP/1.1\r\nHost: x\r\n"
    b"Authorization: Bearer boss\r\n\r\n"
)


@contextmanager
def busy(
    start_server: Callable[..., Server], **settings: str
) -> Iterator[tuple[Server, socket.socket, socket.socket]]:
    """A service whose one thread asks a Jenkins that says nothing, who asked for it, and what ends it by its close."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/job"
        server = start_server(**NARROW, RETRAIN_URL=address, RETRAIN_TOKEN="t", **settings)
        silent.settimeout(10)
        asker = raw(server, RETRAIN)
        asked, _ = silent.accept()
        with asker, asked:
            yield server, asker, asked


def test_health_is_answered(start_server: Callable[..., Server]) -> None:
    with busy(start_server) as (server, _asker, _asked):
        waiting = [raw(server, RETRAIN) for _ in range(2)]
        for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
            assert requests.get(server.url + path, timeout=10).status_code == 200
        assert requests.head(server.url + "/ping", timeout=10).status_code == 200
        for link in waiting:
            link.close()


@pytest.mark.parametrize("expects", [False, True], ids=["sent at once", "waits for a word"])
def test_the_time_for_a_thread_is_not_the_clients(
    start_server: Callable[..., Server], expects: bool
) -> None:
    body = json.dumps({"rows": [SMALL]}).encode()
    body += b" " * (1_000_000 - len(body))
    head = KEYED + b"Content-Length: %d\r\n" % len(body)
    with busy(start_server, READ_TIMEOUT="1") as (server, _asker, asked):
        if expects:
            link = raw(server, head + b"Expect: 100-continue\r\n\r\n")
        else:
            link = raw(server, head + b"\r\n", body[:300_000])
            threading.Thread(target=link.sendall, args=(body[300_000:],), daemon=True).start()
        # A later one that says nothing, whose time is over: so is that of the one that waits for a thread.
        for _ in range(2):
            with raw(server) as silent:
                assert silent.recv(1) == b""
        asked.close()
        with link:
            if expects:
                assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
                link.sendall(body)
            assert answers(link, 1).startswith(b"HTTP/1.1 200")


def test_who_was_told_that_the_connection_stays_is_answered_once_more_in_the_drain(
    start_server: Callable[..., Server],
) -> None:
    with busy(start_server, DRAIN_SECONDS="500") as (server, asker, asked):
        server.process.send_signal(signal.SIGTERM)
        ready = server.url + "/health/ready"
        wait_for(lambda: requests.get(ready, timeout=5).status_code == 503)
        asker.sendall(VERSION)
        asked.close()
        answer = b""
        while chunk := asker.recv(65536):
            answer += chunk
        assert answer.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 200" in answer
        assert answer.count(b"Connection: close") == 1
    server.process.send_signal(signal.SIGTERM)
    assert server.stop() == 0
