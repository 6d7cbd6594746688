"""The monitor's pages and Grafana through the edge: with their own logins, and missed by nobody while they are away."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.support.edge import Edge, Replica, Start, problem
from tests.support.machine import free_port, wait_until

pytestmark = pytest.mark.slow
AWAY = {"/monitor/": "the monitor does not run", "/grafana/d/swarm": "Grafana does not run"}


@pytest.fixture(name="edge", scope="module")
def _edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """With one replica, and without monitoring until a test has its monitor come up."""
    places = {f"EDGE_{name.upper()}_AT": f"{name}:{free_port()}" for name in ("monitor", "grafana")}
    edge = Edge(tmp_path_factory.mktemp("edge"), **places)
    try:
        edge.add(1)
        yield edge
    finally:
        edge.stop()


@pytest.fixture(name="monitor", scope="module")
def _monitor(edge: Edge) -> Iterator[Replica]:
    """It comes up after the edge."""
    port = int(edge.environ["EDGE_MONITOR_AT"].partition(":")[2])
    monitor = Replica("127.0.0.1", port)
    edge.names.beside["monitor"] = ["127.0.0.1"]
    try:
        wait_until(lambda: edge.ask("GET", "/monitor/").status == 200, "the edge has found it")
        yield monitor
    finally:
        monitor.stop()


@pytest.mark.parametrize("path", AWAY)
def test_without_monitoring_the_edge_starts_serves_and_says_what_is_away(edge: Edge, path: str):
    refusal = problem(edge.ask("GET", path), 503, "unavailable")
    assert AWAY[path] in str(refusal["detail"])
    assert edge.predict().status == 200


def test_monitoring_answers_while_no_replica_is_ready(edge: Edge, monitor: Replica):
    (replica,) = edge.replicas
    replica.ready = False
    try:
        wait_until(lambda: edge.predict().status == 503, "the edge has noticed")
        assert edge.ask("GET", "/monitor/models/yield").status == 200
    finally:
        replica.ready = True


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_a_key_reaches_the_monitor_whichever_way_it_is_shown(
    edge: Edge, monitor: Replica, scheme: str
):
    shown = base64.b64encode(b"any:k").decode() if scheme == "Basic" else "k"
    header = f"{scheme} {shown}"
    answer = edge.ask("GET", "/monitor/alarms?all=1", {"Authorization": header})
    method, path, headers, _ = monitor.seen[-1]
    asked = [path for _, path, *_ in edge.replicas[0].seen]
    assert (answer.status, method, path) == (200, "GET", "/monitor/alarms?all=1")
    assert headers["Authorization"] == header and headers["X-Forwarded-For"] == "127.0.0.1"
    assert not any("monitor" in path for path in asked), "no replica is asked for the monitor's"


def test_an_address_without_its_folder_is_sent_to_it(edge: Edge):
    for name in ("/monitor", "/grafana"):
        answer = edge.ask("GET", name)
        assert (answer.status, answer.headers["Location"]) == (308, f"{name}/")


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring/",
        "/monitor.html",
        "/prometheus/",
        "/grafanas",
        "/grafana/metrics",
        "/grafana//metrics",
        "/grafana/Metrics",
        "/grafana/%6detrics",
        "/grafana/%2fmetr%69cs/plugins/x",
    ],
)
def test_nothing_else_of_monitoring_is_public(edge: Edge, monitor: Replica, path: str):
    before = len(monitor.seen)
    problem(edge.ask("GET", path), 404, "not-found")
    assert len(monitor.seen) == before


def test_keys_that_are_guessed_at_the_monitor_count_by_address(start: Start):
    edge = start(EDGE_RATE_ADDRESS="5", EDGE_MONITOR_AT=f"monitor:{free_port()}")
    answers = [
        edge.ask("GET", "/monitor/", {"Authorization": f"Bearer {number}"}).status
        for number in range(8)
    ]
    assert answers.count(429) == 3 and set(answers[:4]) == {503}


def test_the_monitor_is_found_again_after_it_was_away(edge: Edge, monitor: Replica):
    edge.names.beside["monitor"] = []
    wait_until(lambda: edge.ask("GET", "/monitor/").status == 503, "the edge has noticed", 30)
    edge.names.beside["monitor"] = ["127.0.0.1"]
    wait_until(lambda: edge.ask("GET", "/monitor/").status == 200, "the edge has found it", 30)
