"""What operators have of the edge: a configuration that is checked, counters and a log."""

from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest

from tests.support.edge import HAPROXY, KEY, Edge, Start, problem
from tests.support.elastic import ECS
from tests.support.machine import wait_until
from tests.support.stack_files import EDGE

pytestmark = pytest.mark.slow


def test_haproxy_finds_nothing_wrong_with_the_configuration(shared: Edge) -> None:
    done = subprocess.run(
        [HAPROXY, "-c", "-f", str(EDGE)],
        # It warns of a name that nobody knows, as that of the replicas is here.
        env={"PATH": os.environ["PATH"], **shared.environ, "EDGE_REPLICAS_AT": "localhost:8080"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr


def test_without_a_word_on_tls_the_edge_does_not_start(shared: Edge) -> None:
    done = subprocess.run(
        [HAPROXY, "-c", "-f", str(EDGE)],
        env={"PATH": os.environ["PATH"], **shared.environ, "EDGE_TLS": "maybe"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and "EDGE_TLS must be on or off" in done.stderr


def test_the_counters_are_for_who_has_the_edge_key(shared: Edge) -> None:
    for path in ("/edge/stats", "/edge/metrics"):
        problem(shared.ask("GET", path), 401, "unauthenticated")
        wrong = shared.ask("GET", path, {"Authorization": f"Bearer {KEY}x"})
        problem(wrong, 401, "unauthenticated")
        answer = shared.ask("GET", path, {"Authorization": f"Bearer {KEY}"})
        assert answer.status == 200 and answer.headers["X-Edge"] == socket.gethostname()
    assert b"haproxy_server_status" in answer.body


def test_a_key_that_is_the_sum_of_nothing_lets_nobody_in(start: Start) -> None:
    edge = start(edge_key="")
    for header in ("Bearer", "Bearer ", " "):
        problem(edge.ask("GET", "/edge/stats", {"Authorization": header}), 401, "unauthenticated")


def test_the_counters_name_each_replica_by_its_address(shared: Edge) -> None:
    counters = shared.counters(shared.replicas[0])
    for column in ("stot", "hrsp_5xx", "wretr", "eresp", "econ", "ttime", "rtime"):
        assert counters[column].isdigit()


def test_each_replica_s_own_numbers_are_for_who_has_the_edge_key(shared: Edge) -> None:
    for replica in shared.replicas:
        path = f"/edge/replicas/{shared.counters(replica)['svname']}/metrics"
        problem(shared.ask("GET", path), 401, "unauthenticated")
        answer = shared.ask("GET", path, {"Authorization": f"Bearer {KEY}"})
        assert answer.json()["by"] == replica.address == answer.headers["X-Replica"]
        asked = replica.seen[-1]
        assert asked[1] == "/metrics" and "Authorization" not in asked[2]


def test_the_order_to_take_no_more_requests_reaches_one_replica_with_the_key_that_is_for_it(
    shared: Edge,
) -> None:
    replica = shared.replicas[1]
    path = f"/edge/replicas/{shared.counters(replica)['svname']}/contain"
    problem(shared.ask("POST", path, body=b"{}"), 401, "unauthenticated")
    only = {"X-Replica-Authorization": "Bearer admin"}
    problem(shared.ask("POST", path, only, b"{}"), 401, "unauthenticated")
    before = len(replica.seen)
    answer = shared.ask("POST", path, {"Authorization": f"Bearer {KEY}", **only}, b'{"replica":1}')
    assert answer.json()["by"] == replica.address
    (asked,) = replica.seen[before:]
    assert asked[:2] == ("POST", "/contain") and asked[3] == b'{"replica":1}'
    assert asked[2]["Authorization"] == "Bearer admin"
    shared.ask("POST", path, {"Authorization": f"Bearer {KEY}"}, b"{}")
    assert "Authorization" not in replica.seen[-1][2], "the edge's own key goes no further"


@pytest.mark.parametrize("path", ["retrain", "v1/models/m/retrain", "metrics/x", "../metrics"])
def test_nothing_else_of_a_replica_is_to_be_had_that_way(shared: Edge, path: str) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    problem(shared.ask("GET", f"/edge/replicas/replica1/{path}", key), 404, "not-found")


def test_inside_the_swarm_health_and_metrics_need_no_key(shared: Edge) -> None:
    for path, part in (("/health", b"alive"), ("/metrics", b"haproxy_server_status")):
        with socket.create_connection(("127.0.0.1", shared.inside)) as caller:
            caller.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(
                iter(lambda: caller.recv(65536), b"")
            )  # pylint: disable=cell-var-from-loop
        assert answer.startswith(b"HTTP/1.") and part in answer


def test_the_log_is_json_and_holds_no_key_no_query_and_no_body(start: Start) -> None:
    edge = start()
    (replica,) = edge.add(1)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {
        **{"Authorization": "Bearer s3cret-key", "X-Request-Id": "logged-1"},
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
    }
    edge.ask("POST", '/v1/models/m/predict?token=s3cret"', headers, b"s3cret body")
    line = wait_until(
        lambda: next(
            (entry for entry in edge.log() if entry["http.request.id"] == "logged-1"), None
        ),
        "the request is logged",
    )
    said = [line[f"http.{name}"] for name in ("request.method", "response.status_code")]
    assert [*said, line["url.path"], line["trace.id"]] == [
        "POST",
        200,
        "/v1/models/m/predict",
        trace,
    ]
    assert line["swarmline.address"] == replica.address and line["swarmline.release"] == "r1"
    assert not [
        name for name in line if not name.startswith("swarmline.") and name not in ECS["fields"]
    ]
    assert "s3cret" not in edge.log_path.read_text()
    assert time.strptime(line["@timestamp"], "%Y-%m-%dT%H:%M:%SZ")


def test_of_successes_a_share_is_logged_and_of_failures_all(start: Start) -> None:
    edge = start(EDGE_LOG_PER_MILLE="0")
    edge.add(1)
    assert edge.predict(X_Request_Id="fine").status == 200
    edge.ask("GET", "/metrics", {"X-Request-Id": "refused"})
    wait_until(lambda: '"refused"' in edge.log_path.read_text(), "the refusal is logged")
    assert '"fine"' not in edge.log_path.read_text()
