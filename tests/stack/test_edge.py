"""The edge as its callers and its operators see it: the real HAProxy under stack/haproxy.cfg."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from flask import Flask

from scripts import certificates
from tests.stack.edge import DEADLINE, HAPROXY, KEY, Answer, Edge, Replica, until
from tests.stack.files import EDGE

pytestmark = pytest.mark.slow
Start = Callable[..., Edge]
MEGABYTE = 1 << 20


def problem(answer: Answer, status: int, code: str) -> dict[str, object]:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["type"] == f"urn:swarmline:problem:{code}" and found["status"] == status
    assert found["request_id"] == answer.headers["X-Request-Id"]
    return found


@contextlib.contextmanager
def planned(replica: Replica, plan: str):
    replica.plan = plan
    try:
        yield
    finally:
        replica.plan = ""


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


def test_requests_are_shared_by_all_replicas(shared: Edge) -> None:
    answered = {shared.predict().json()["by"] for _ in range(10)}
    assert answered == {replica.address for replica in shared.replicas}


def test_a_new_replica_is_found_by_its_name_and_one_that_left_is_forgotten(start: Start) -> None:
    edge = start()
    first, second = edge.add(2)
    edge.names.addresses.remove(first.address)
    until(lambda: edge.up() == {second.address}, "the replica is forgotten")
    assert {edge.predict().json()["by"] for _ in range(6)} == {second.address}


def test_a_replica_that_drains_gets_no_more_requests(shared: Edge) -> None:
    first, second = shared.replicas
    first.ready = False
    try:
        until(lambda: shared.up() == {second.address}, "the edge sees that it drains")
        assert {shared.predict().json()["by"] for _ in range(6)} == {second.address}
    finally:
        first.ready = True
        until(lambda: len(shared.up()) == 2, "it is back")


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
            until(lambda: replica.seen, "one request is with the replica")
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
        found = caller.recv(4096).decode()
    assert found.startswith("HTTP/1.1 408 ") and "urn:swarmline:problem:too-slow" in found
    with edge.connect() as caller:
        caller.sendall(b"POST /v1/models/m/predict HTTP/1.1\r\nHost: ")
        assert caller.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert not replica.seen


def test_strangers_are_limited_by_their_address(start: Start) -> None:
    edge = start(EDGE_RATE_ADDRESS="60")
    edge.add(1)
    until(
        lambda: edge.predict(Authorization="Bearer unknown").status == 429, "strangers are refused"
    )
    refused = edge.predict(Authorization="Bearer unknown")
    problem(refused, 429, "too-many")
    assert refused.headers["Retry-After"] == "5"


def test_a_key_that_was_accepted_passes_while_its_address_is_refused(start: Start) -> None:
    edge = start(EDGE_RATE_KEY="20", EDGE_RATE_ADDRESS="60")
    edge.add(1)
    assert edge.predict(Authorization="Bearer friend").status == 200
    until(
        lambda: edge.predict(Authorization="Bearer unknown").status == 429, "strangers are refused"
    )
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
    assert 2 <= sum(one.startswith(b"HTTP/1.1 404 ") for one in answered) <= 3


def test_a_sane_request_id_goes_all_the_way_and_back(shared: Edge) -> None:
    answer = shared.predict(X_Request_Id="order:7.a_B-9")
    assert answer.headers["X-Request-Id"] == "order:7.a_B-9"
    seen = [replica.seen[-1][2] for replica in shared.replicas if replica.seen]
    assert "order:7.a_B-9" in {headers["X-Request-Id"] for headers in seen}


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "a,b"])
def test_any_other_request_id_is_replaced_by_one_of_ours(shared: Edge, given: str) -> None:
    found = shared.predict(X_Request_Id=given).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", found)


def test_a_replica_is_told_who_really_called(shared: Edge) -> None:
    shared.predict(X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="https", Forwarded="for=6.6.6.6")
    for headers in (one.seen[-1][2] for one in shared.replicas if one.seen):
        assert headers["X-Forwarded-For"] == "127.0.0.1" and headers["X-Forwarded-Proto"] == "http"
        assert "Forwarded" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/metrics",
            "//metrics",
            "/%6detrics",
            "/metrics/",
            "/v1/../metrics",
            "/v1/models/../metrics",
        ),
        *("/v1/models/m/retrain", "/v1/models/m%2fretrain", "/v1/models//retrain", "/nothing"),
        *("/v1/models/m/retrain?x=/predict", "/v1/models/m/./retrain", "/edge", "/edge/stats;csv"),
    ],
)
def test_what_is_not_public_is_not_found(shared: Edge, path: str) -> None:
    before = [len(replica.seen) for replica in shared.replicas]
    for method in ("GET", "POST"):
        problem(shared.ask(method, path), 404, "not-found")
    assert [len(replica.seen) for replica in shared.replicas] == before


def routes() -> list[str]:
    """Every route of the service, with names filled in."""
    from service import admin, docs, health, invocations, lineage, oip, stream

    app = Flask("routes", static_folder=None)

    class Core(int):
        models = {"m": None}

        def __getattr__(self, _: str) -> object:
            return self

    for module in (health, lineage, oip, invocations, admin, stream, docs):
        module.add_routes(app, Core(1))  # type: ignore[arg-type]
    found = [rule.rule for rule in app.url_map.iter_rules()]
    # Those of `service.direct`, which are no rules of Flask's.
    found += ["/v1/models/<m>/predict", "/v1/models/<m>:predict", "/v1/models/<m>/invocations"]
    found += ["/v2/models/<m>/infer", "/v2/models/<m>/versions/<v>/infer"]
    return [re.sub(r"<[^>]*>", "m-1.x", rule) for rule in found]


def test_every_route_of_the_service_is_public_or_known_not_to_be(shared: Edge) -> None:
    with planned(shared.replicas[0], "200"):
        closed = {path for path in routes() if shared.ask("POST", path).status == 404}
    assert closed == {"/metrics", "/v1/models/m-1.x/retrain"}


def test_the_counters_are_for_who_has_the_edge_key(shared: Edge) -> None:
    for path in ("/edge/stats", "/edge/metrics"):
        problem(shared.ask("GET", path), 401, "unauthenticated")
        wrong = shared.ask("GET", path, {"Authorization": f"Bearer {KEY}x"})
        problem(wrong, 401, "unauthenticated")
        answer = shared.ask("GET", path, {"Authorization": f"Bearer {KEY}"})
        assert answer.status == 200 and answer.headers["X-Edge"] == socket.gethostname()
    assert b"haproxy_server_status" in answer.body


def test_the_counters_name_each_replica_by_its_address(shared: Edge) -> None:
    found = shared.counters(shared.replicas[0])
    for column in ("stot", "hrsp_5xx", "wretr", "eresp", "econ", "ttime", "rtime"):
        assert found[column].isdigit()


def test_inside_the_swarm_health_and_metrics_need_no_key(shared: Edge) -> None:
    for path, part in (("/health", b"alive"), ("/metrics", b"haproxy_server_status")):
        with socket.create_connection(("127.0.0.1", shared.inside)) as caller:
            caller.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            found = b"".join(
                iter(lambda: caller.recv(65536), b"")
            )  # pylint: disable=cell-var-from-loop
        assert found.startswith(b"HTTP/1.") and part in found


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


def test_the_log_is_json_and_holds_no_key_no_query_and_no_body(start: Start) -> None:
    edge = start()
    (replica,) = edge.add(1)
    given = {"Authorization": "Bearer s3cret-key", "X-Request-Id": "logged-1"}
    edge.ask("POST", '/v1/models/m/predict?token=s3cret"', given, b"s3cret body")
    line = until(
        lambda: next((one for one in edge.log() if one["request_id"] == "logged-1"), None),
        "the request is logged",
    )
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/models/m/predict", 200)
    assert line["address"] == replica.address and line["release"] == "r1"
    assert "s3cret" not in edge.log_path.read_text()
    assert time.strptime(line["at"], "%Y-%m-%dT%H:%M:%SZ")


def test_of_successes_a_share_is_logged_and_of_failures_all(start: Start) -> None:
    edge = start(EDGE_LOG_PER_MILLE="0")
    edge.add(1)
    assert edge.predict(X_Request_Id="fine").status == 200
    edge.ask("GET", "/metrics", {"X-Request-Id": "refused"})
    until(lambda: '"refused"' in edge.log_path.read_text(), "the refusal is logged")
    assert '"fine"' not in edge.log_path.read_text()


def test_at_a_stop_running_requests_are_answered(start: Start) -> None:
    edge = start()
    (replica,) = edge.add(1)
    replica.plan = "hang"
    with edge.connect() as caller:
        caller.sendall(
            b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nContent-Length: 0\r\n\r\n"
        )
        until(lambda: replica.seen, "the request has reached the replica")
        os.kill(edge.pid, 10)  # SIGUSR1, the stop signal in stack.yml
        until(lambda: refused(edge.port), "the edge takes no new callers")
        replica.plan = ""
        replica.hung.set()
        assert caller.recv(64).startswith(b"HTTP/1.1 200 ")


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_what_is_no_http_is_refused(shared: Edge) -> None:
    with shared.connect() as caller:
        caller.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert caller.recv(64).startswith(b"HTTP/1.1 400 ")


def test_smuggled_requests_do_not_pass(shared: Edge) -> None:
    with shared.connect() as caller:
        caller.settimeout(DEADLINE)
        caller.sendall(
            b"POST /v1/models/m/predict HTTP/1.1\r\nHost: e\r\nContent-Length: 4\r\n"
            b"Content-Length: 40\r\n\r\nabcdGET /metrics HTTP/1.1\r\nHost: e\r\n\r\n"
        )
        assert caller.recv(64).startswith(b"HTTP/1.1 400 ")


def test_errors_of_the_edge_are_json(start: Start) -> None:
    edge = start(EDGE_SERVER_TIMEOUT="200ms")
    (replica,) = edge.add(1)
    for plan, status in (("break", 502), ("hang", 504)):
        replica.plan = plan
        answer = edge.predict()
        assert answer.status == status and json.loads(answer.body)["status"] == status


def tls_edge(start: Start, tmp_path: Path) -> tuple[Edge, ssl.SSLContext]:
    """An edge with a certificate as `make secrets` makes it, and callers that trust it alone."""
    text = certificates.self_signed("edge.test")
    (tmp_path / "edge.crt").write_text(certificates.open_part(text), encoding="ascii")
    context = ssl.create_default_context(cafile=str(tmp_path / "edge.crt"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return start(EDGE_TLS="on", certificate=text), context


def test_with_tls_callers_can_check_who_answers_and_are_told_to_stay(
    start: Start, tmp_path: Path
) -> None:
    edge, context = tls_edge(start, tmp_path)
    edge.add(1)
    plain = socket.create_connection(("127.0.0.1", edge.port))
    with context.wrap_socket(plain, server_hostname="edge.test") as caller:
        assert caller.selected_alpn_protocol() == "h2" and caller.version() == "TLSv1.3"
    answer = edge.predict()
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert edge.replicas[0].seen[-1][2]["X-Forwarded-Proto"] == "https"


def test_old_versions_of_tls_are_refused(start: Start, tmp_path: Path) -> None:
    edge, context = tls_edge(start, tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", edge.port)) as plain:
        with context.wrap_socket(plain, server_hostname="edge.test") as caller:
            assert caller.version() == "TLSv1.2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", edge.port)) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="edge.test")


def test_plain_http_gets_nowhere_at_a_tls_port(start: Start, tmp_path: Path) -> None:
    edge, _ = tls_edge(start, tmp_path)
    with socket.create_connection(("127.0.0.1", edge.port)) as caller:
        caller.sendall(b"GET /v1/models HTTP/1.1\r\nHost: e\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert not caller.recv(64).startswith(b"HTTP/1.1 2")
