"""Requests that the poller answers itself: they hold up nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest
import requests

from tests.support.service.calls import KEY, PREDICT, SMALL, answers, predict, raw
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow

ROW = json.dumps({"rows": [SMALL]}).encode()


def request_of(body: bytes, *more: str) -> bytes:
    fields = ["Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    fields += [f"{name}: {value}" for name, value in KEY.items()]
    return (
        f"POST {PREDICT} HTTP/1.1\r\n".encode() + "\r\n".join(fields).encode() + b"\r\n\r\n" + body
    )


def test_requests_in_one_segment_or_in_pieces_are_all_answered(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    request = request_of(ROW)
    together = raw(server, request * 3)
    assert answers(together, 3).count(b"HTTP/1.1 200") == 3
    pieces = raw(server, request[:30])
    assert predict(server).status_code == 200
    pieces.sendall(request[30:-5])
    assert predict(server).status_code == 200
    pieces.sendall(request[-5:] + request)
    assert answers(pieces, 2).count(b"HTTP/1.1 200") == 2
    for link in (together, pieces):
        link.close()


def test_a_client_that_asked_for_the_end_is_not_waited_for(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    # None of them closes its side.
    closed = [raw(server, request_of(ROW, "Connection: close")) for _ in range(20)]
    assert predict(server, timeout=5).status_code == 200
    for link in closed:
        assert b"Connection: close" in answers(link, 2)
    # The service ends what a client does not.
    wait_for(lambda: all(is_reset(link) for link in closed))
    for link in closed:
        link.close()


def is_reset(link: socket.socket) -> bool:
    try:
        link.sendall(b"x")
    except OSError:
        return True
    return False


def test_a_client_that_reads_nothing_holds_up_nobody(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    request = request_of(json.dumps({"rows": [SMALL] * 300}).encode())
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.connect(("127.0.0.1", server.port))
    sent = 0
    # One at a time, until nothing more fits between here and there: the next is not even read.
    while answered(server, sent) and sent < 5000:
        link.sendall(request)
        sent += 1
    assert sent < 5000
    assert predict(server, timeout=5).status_code == 200
    # Who begins to read gets all of it.
    link.settimeout(10)
    assert answers(link, sent).count(b"HTTP/1.1 200") == sent
    link.close()


def answered(server: Server, count: int) -> bool:
    """Whether so many predictions were made, or are soon."""
    line = 'swarmline_requests_total{route="predict",status="200"} '

    def reached() -> bool:
        text = requests.get(f"{server.url}/metrics", timeout=5).text
        return float((text.partition(line)[2] or "0").split()[0]) >= count

    try:
        return bool(wait_for(reached, 3))
    except AssertionError:
        return False
