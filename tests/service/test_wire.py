"""The service as a process, byte by byte: the slow, the unsound, the many."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.service.calls import PREDICT, predict, raw
from tests.service.conftest import Server

pytestmark = pytest.mark.slow


def test_slow_clients_and_idle_connections_hold_no_thread(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", THREADS="1", STREAMS="0", READ_TIMEOUT="2")
    idle = [raw(server) for _ in range(200)]
    fields = "Host: x\r\nAuthorization: Bearer boss\r\nContent-Length: 99\r\n"
    head = f"POST {PREDICT} HTTP/1.1\r\n{fields}".encode()
    slow = [raw(server, head), raw(server, head + b"\r\n", b'{"rows"')]
    huge = raw(server, head.replace(b"99", b"999999") + b"\r\n")
    # A page needs the one thread, which a huge body has until the deadline.
    assert requests.get(f"{server.url}/health/live", timeout=10).status_code == 200
    assert predict(server).status_code == 200
    answer = slow[1].recv(4096)
    assert b"408" in answer.split(b"\r\n")[0] and b"of 99 bytes" in answer
    for link in [*idle, *slow, huge]:
        link.close()


def test_requests_on_their_way_keep_nobody_from_a_page(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", THREADS="1", STREAMS="0", READ_TIMEOUT="60")
    begun = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n".encode()
    slow = [raw(server, begun + rest) for rest in (b"", b"\r\n", b"\r\n{") for _ in range(20)]
    assert requests.get(f"{server.url}/health/live", timeout=10).status_code == 200
    for link in slow:
        link.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 99 + b"\r\n",
    ],
)
def test_unsound_http_is_a_problem_document(
    start_server: Callable[..., Server], request_bytes: bytes
) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    link = raw(server, request_bytes)
    answer = b""
    while chunk := link.recv(4096):
        answer += chunk
    link.close()
    assert answer.startswith(b"HTTP/1.1 400") and b"application/problem+json" in answer
    assert predict(server).status_code == 200


def test_chunks_that_are_no_chunks_are_a_400(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    fields = "Host: x\r\nAuthorization: Bearer boss\r\nTransfer-Encoding: chunked\r\n\r\n"
    link = raw(server, f"POST {PREDICT} HTTP/1.1\r\n{fields}".encode(), b"zz\r\n\r\n")
    assert link.recv(4096).startswith(b"HTTP/1.1 400")
    link.close()


def test_chunks_that_do_not_end_in_time_are_a_408(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", JOURNAL="off", READ_TIMEOUT="0.5")
    fields = "Host: x\r\nAuthorization: Bearer boss\r\nTransfer-Encoding: chunked\r\n\r\n"
    link = raw(server, f"POST {PREDICT} HTTP/1.1\r\n{fields}".encode(), b"5\r\n{")
    assert link.recv(4096).startswith(b"HTTP/1.1 408")
    link.close()
