"""TLS at the edge, and what becomes of who comes without."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import warnings
from pathlib import Path

import pytest

from scripts.credentials import certificates
from tests.support.edge import Answer, Edge, Start, problem

pytestmark = pytest.mark.slow


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


def plainly(edge: Edge, method: str, path: str, **headers: str) -> Answer:
    """Asked on the port without TLS."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.plain)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        return Answer(connection.getresponse())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("host", ["models.example", "models.example:80", "[::1]:80"])
def test_who_comes_without_tls_is_sent_to_it_with_method_and_path(
    start: Start, tmp_path: Path, method: str, host: str
) -> None:
    edge, _ = tls_edge(start, tmp_path)
    answer = plainly(edge, method, "/v1/models?all=1", Host=host)
    assert answer.status == 308
    name = host.removesuffix(":80")
    assert answer.headers["Location"] == f"https://{name}:{edge.port}/v1/models?all=1"


def test_the_usual_port_of_tls_is_not_named(start: Start) -> None:
    edge = start(EDGE_TLS="on", certificate=certificates.self_signed("e"), EDGE_HTTPS_PORT="443")
    assert plainly(edge, "GET", "/docs", Host="e:80").headers["Location"] == "https://e/docs"


def test_a_key_that_came_without_tls_is_refused_and_said_to_be_lost(
    start: Start, tmp_path: Path
) -> None:
    edge, _ = tls_edge(start, tmp_path)
    answer = plainly(edge, "POST", "/v1/models/m/predict", Host="e", Authorization="Bearer k")
    assert "must be replaced" in str(problem(answer, 403, "forbidden")["detail"])
    assert "Location" not in answer.headers


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", 'a"b'])
def test_nobody_is_sent_to_what_is_no_host(start: Start, tmp_path: Path, host: str) -> None:
    edge, _ = tls_edge(start, tmp_path)
    assert plainly(edge, "GET", "/docs", Host=host).status == 400


def test_without_tls_there_is_no_such_port(start: Start) -> None:
    edge = start()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", edge.plain)) != 0
