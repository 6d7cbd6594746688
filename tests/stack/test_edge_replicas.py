"""Which replica a request goes to, and to which one next: callers notice no loss."""

from __future__ import annotations

import os
import socket

import pytest

from tests.support.edge import MEGABYTE, Edge, Start, planned, problem
from tests.support.machine import wait_until

pytestmark = pytest.mark.slow


def test_requests_are_shared_by_all_replicas(shared: Edge) -> None:
    answered = {shared.predict().json()["by"] for _ in range(10)}
    assert answered == {replica.address for replica in shared.replicas}


def test_a_new_replica_is_found_by_its_name_and_one_that_left_is_forgotten(start: Start) -> None:
    edge = start()
    first, second = edge.add(2)
    edge.names.addresses.remove(first.address)
    wait_until(lambda: edge.up() == {second.address}, "the replica is forgotten")
    assert {edge.predict().json()["by"] for _ in range(6)} == {second.address}


def test_a_replica_that_drains_gets_no_more_requests(shared: Edge) -> None:
    first, second = shared.replicas
    first.ready = False
    try:
        wait_until(lambda: shared.up() == {second.address}, "the edge sees that it drains")
        assert {shared.predict().json()["by"] for _ in range(6)} == {second.address}
    finally:
        first.ready = True
        wait_until(lambda: len(shared.up()) == 2, "it is back")


def test_without_a_ready_replica_callers_are_told_when_to_try_again(start: Start) -> None:
    answer = start().predict()
    assert "no replica is ready" in str(problem(answer, 503, "unavailable")["detail"])
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize("plan", ["break", "502", "503", "504"])
def test_what_one_replica_fails_at_another_does_with_the_whole_body(
    shared: Edge, plan: str
) -> None:
    bad = shared.replicas[0]
    body = os.urandom(MEGABYTE // 2).hex().encode()
    before = len(bad.seen)
    with planned(bad, plan):
        answers = [shared.predict(body) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 6
    assert {answer.json()["bytes"] for answer in answers} == {MEGABYTE}
    assert len(bad.seen) > before, "it was asked, too"


def test_a_killed_replica_costs_no_request(start: Start) -> None:
    edge = start()
    edge.add(3)
    assert {edge.predict().status for _ in range(6)} == {200}
    edge.replicas.pop().stop()
    assert {edge.predict().status for _ in range(60)} == {200}


def test_a_replica_that_hangs_is_given_up_and_another_asked(start: Start) -> None:
    edge = start(EDGE_SERVER_TIMEOUT="500ms")
    with planned(edge.add(2)[0], "hang"):
        assert {edge.predict().status for _ in range(4)} == {200}


def test_what_a_replica_has_no_room_for_waits_and_then_is_told_so(start: Start) -> None:
    edge = start(EDGE_REPLICA_CONNECTIONS="1")
    (replica,) = edge.add(1)
    with edge.connect() as first, edge.connect() as second:
        for caller in (first, second):
            replica.plan = "hang"
            caller.sendall(
                b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nContent-Length: 0\r\n\r\n"
            )
            wait_until(lambda: replica.seen, "one request is with the replica")
        assert second.recv(64).startswith(b"HTTP/1.1 503 ")
        assert len(replica.seen) == 1


@pytest.mark.parametrize("plan", ["break", "503"])
def test_what_a_retry_hides_from_callers_shows_in_the_counters(shared: Edge, plan: str) -> None:
    bad, good = shared.replicas
    before, others = shared.counters(bad), shared.counters(good)
    with planned(bad, plan):
        assert {shared.predict().status for _ in range(6)} == {200}
    after = shared.counters(bad)
    asked = int(after["stot"]) - int(before["stot"])
    assert asked and int(after["wretr"]) - int(before["wretr"]) == asked
    assert after["hrsp_5xx"] == before["hrsp_5xx"], "only what callers got is counted there"
    assert shared.counters(good)["wretr"] == others["wretr"]


def test_an_error_that_is_no_use_to_retry_reaches_the_caller_and_the_counters(
    shared: Edge,
) -> None:
    bad = shared.replicas[0]
    before = int(shared.counters(bad)["hrsp_5xx"])
    with planned(bad, "500"):
        statuses = [shared.predict().status for _ in range(6)]
    assert statuses.count(500) == int(shared.counters(bad)["hrsp_5xx"]) - before > 0


def test_a_stream_passes_through(shared: Edge) -> None:
    with shared.connect() as caller:
        caller.sendall(
            b"GET /v1/models/m/stream HTTP/1.1\r\nHost: e\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 101 " in caller.recv(4096)
        caller.sendall(b"ping")
        assert caller.recv(4) == b"ping"


def test_at_a_stop_running_requests_are_answered(start: Start) -> None:
    edge = start()
    (replica,) = edge.add(1)
    replica.plan = "hang"
    with edge.connect() as caller:
        caller.sendall(
            b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nContent-Length: 0\r\n\r\n"
        )
        wait_until(lambda: replica.seen, "the request has reached the replica")
        os.kill(edge.pid, 10)  # SIGUSR1, the stop signal in stack.yml
        wait_until(lambda: refused(edge.port), "the edge takes no new callers")
        replica.plan = ""
        replica.hung.set()
        assert caller.recv(64).startswith(b"HTTP/1.1 200 ")


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
