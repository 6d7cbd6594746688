"""What passes of a request and what does not: ids, who called, which routes, sound HTTP."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.edge import DEADLINE, Edge, Start, planned, problem

pytestmark = pytest.mark.slow


def test_a_sane_request_id_goes_all_the_way_and_back(shared: Edge) -> None:
    answer = shared.predict(X_Request_Id="order:7.a_B-9")
    assert answer.headers["X-Request-Id"] == "order:7.a_B-9"
    seen = [replica.seen[-1][2] for replica in shared.replicas if replica.seen]
    assert "order:7.a_B-9" in {headers["X-Request-Id"] for headers in seen}


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, 'a"b', "a,b"])
def test_any_other_request_id_is_replaced_by_one_of_ours(shared: Edge, sent: str) -> None:
    identity = shared.predict(X_Request_Id=sent).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", identity)


def test_a_replica_is_told_who_really_called(shared: Edge) -> None:
    shared.predict(
        Host="farm.example:8080",
        X_Forwarded_For="6.6.6.6",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="elsewhere.example",
        Forwarded="for=6.6.6.6",
    )
    latest = [replica.seen[-1][2] for replica in shared.replicas if replica.seen]
    (headers,) = (sent for sent in latest if sent["Host"] == "farm.example:8080")
    assert headers["X-Forwarded-For"] == "127.0.0.1" and headers["X-Forwarded-Proto"] == "http"
    assert headers.get_all("X-Forwarded-Host") == ["farm.example:8080"]
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
        *("/v1/models/m%2fretrain", "/v1/models//retrain", "/nothing", "/alerts/retrain"),
        *("/v1/models/m/metrics?x=/predict", "/v1/models/m/./retrain", "/edge", "/edge/stats;csv"),
    ],
)
def test_what_is_not_public_is_not_found(shared: Edge, path: str) -> None:
    before = [len(replica.seen) for replica in shared.replicas]
    for method in ("GET", "POST"):
        problem(shared.ask(method, path), 404, "not-found")
    assert [len(replica.seen) for replica in shared.replicas] == before


def routes() -> list[str]:
    """Every route of the service, with names filled in."""
    from service.app import create_flask
    from service.predict.served import ServedModels
    from service.process.metrics import Metrics
    from service.process.state import State
    from service.settings import read_settings
    from service.web.keys import Authenticator
    from service.web.pipeline import Pipeline

    settings, metrics = read_settings({"BUNDLES": "."}), Metrics()
    pipeline = Pipeline(settings, Authenticator(()), State(), metrics)
    app = create_flask(ServedModels(settings, metrics, {}, {}), pipeline, settings)
    return [re.sub(r"<[^>]*>", "m-1.x", rule.rule) for rule in app.url_map.iter_rules()]


def test_every_route_of_the_service_is_public_or_known_not_to_be(shared: Edge) -> None:
    with planned(shared.replicas[0], "200"):
        closed = {path for path in routes() if shared.ask("POST", path).status == 404}
    # That a replica takes no more requests is said by a way of its own, with the edge key.
    assert closed == {"/metrics", "/contain"}


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
    # Who breaks off has as long as usual for it: else that would be a 504 too.
    for plan, status, settings in (
        ("break", 502, {}),
        ("hang", 504, {"EDGE_SERVER_TIMEOUT": "200ms"}),
    ):
        edge = start(**settings)
        (replica,) = edge.add(1)
        replica.plan = plan
        answer = edge.predict()
        assert answer.status == status and json.loads(answer.body)["status"] == status
