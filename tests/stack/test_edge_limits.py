"""What one caller may send, and how fast: beyond that the edge says no, with the limit."""

from __future__ import annotations

import contextlib

import pytest
import requests

from tests.support.edge import DEADLINE, MEGABYTE, Edge, Start, problem
from tests.support.machine import wait_until

pytestmark = pytest.mark.slow


def test_a_body_of_the_limit_passes(shared: Edge) -> None:
    assert shared.predict(b"x" * MEGABYTE).json()["bytes"] == MEGABYTE


@pytest.mark.parametrize("size", [MEGABYTE + 1, 2 * MEGABYTE, 16 * MEGABYTE])
def test_a_body_that_is_too_large_is_told_the_limit(shared: Edge, size: int) -> None:
    # A client as people use it: it reads an answer that comes before all is sent.
    url = f"http://127.0.0.1:{shared.port}/v1/models/m/predict"
    answer = requests.post(url, b"x" * size, timeout=DEADLINE)
    assert answer.status_code == 413 and "1048576 bytes" in answer.json()["detail"]


def test_a_body_in_chunks_is_measured_too(shared: Edge) -> None:
    chunks = [b"x" * 1024] * 1000
    answer = shared.ask("POST", "/v1/models/m/predict", body=iter(chunks), chunked=True)
    assert answer.json()["bytes"] == 1024 * 1000
    with shared.connect() as caller:
        caller.sendall(
            b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        caller.sendall(b"108000\r\n")
        # The edge may answer and close before the last byte is sent.
        with contextlib.suppress(OSError):
            caller.sendall(b"x" * 0x108000)
        assert caller.recv(64).startswith(b"HTTP/1.1 413 ")


def test_headers_beyond_measure_are_refused(shared: Edge) -> None:
    assert shared.predict(X_Long="x" * 15_000).status == 200
    problem(shared.predict(X_Long="x" * 17_000), 431, "too-large")


def test_who_sends_slowly_is_told_so_and_keeps_no_replica_busy(start: Start) -> None:
    edge = start(EDGE_READ_TIMEOUT="300ms")
    (replica,) = edge.add(1)
    with edge.connect() as caller:
        caller.sendall(
            b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nContent-Length: 9\r\n\r\nx"
        )
        answer = caller.recv(4096).decode()
    assert answer.startswith("HTTP/1.1 408 ") and "urn:swarmline:problem:too-slow" in answer
    with edge.connect() as caller:
        caller.sendall(b"POST /v1/models/m/predict HTTP/1.1\r\nHost: ")
        assert caller.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert not replica.seen


def until_strangers_are_refused(edge: Edge) -> None:
    # Without a pause: the edge counts the last ten seconds.
    wait_until(
        lambda: edge.predict(Authorization="Bearer unknown").status == 429,
        "strangers are refused",
        step=0.0,
    )


def test_strangers_are_limited_by_their_address(start: Start) -> None:
    edge = start(EDGE_RATE_ADDRESS="60")
    edge.add(1)
    until_strangers_are_refused(edge)
    refused = edge.predict(Authorization="Bearer unknown")
    problem(refused, 429, "too-many")
    assert refused.headers["Retry-After"] == "5"


def test_a_key_that_was_accepted_passes_while_its_address_is_refused(start: Start) -> None:
    edge = start(EDGE_RATE_KEY="20", EDGE_RATE_ADDRESS="60")
    edge.add(1)
    assert edge.predict(Authorization="Bearer friend").status == 200
    until_strangers_are_refused(edge)
    statuses = [edge.predict(Authorization="Bearer friend").status for _ in range(30)]
    assert statuses.count(200) == 19 and set(statuses[20:]) == {429}


def test_a_key_that_was_never_accepted_cannot_leave_its_address(start: Start) -> None:
    edge = start(EDGE_RATE_ADDRESS="60")
    edge.add(1)
    statuses = [
        edge.ask("GET", "/health/ready", {"Authorization": f"Bearer {number}"}).status
        for number in range(80)
    ]
    assert 429 in statuses


def test_one_address_holds_no_more_connections_than_it_may(start: Start) -> None:
    edge = start(EDGE_CONNECTIONS_ADDRESS="3")
    answered = []
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            with contextlib.suppress(OSError):
                caller = stack.enter_context(edge.connect())
                caller.sendall(b"GET /nothing HTTP/1.1\r\nHost: e\r\n\r\n")
                answered.append(caller.recv(64))
    # The connection that found the edge listening may just be ending.
    assert 2 <= sum(head.startswith(b"HTTP/1.1 404 ") for head in answered) <= 3
