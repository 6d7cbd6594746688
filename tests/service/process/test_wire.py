"""The service as a process, byte by byte: the slow, the unsound, the many."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable

import pytest
import requests

from tests.support.service.calls import KEYED, NARROW, POST, PREDICT, SMALL, answers, predict, raw
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow


LONG = b"Content-Length: 1000000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def read_all(link: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    answer = b""
    while chunk := link.recv(65536):
        answer += chunk
    return answer


def test_slow_clients_and_idle_connections_hold_no_thread(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**NARROW | {"READ_TIMEOUT": "2"})
    idle = [raw(server) for _ in range(200)]
    head = KEYED + b"Content-Length: 99\r\n"
    slow = [raw(server, head), raw(server, head + b"\r\n", b'{"rows"'), raw(server, KEYED + LONG)]
    assert requests.get(f"{server.url}/health/live", timeout=10).status_code == 200
    assert predict(server).status_code == 200
    for link, size in ((slow[1], b"99"), (slow[2], b"1000000")):
        answer = link.recv(4096)
        assert b"408" in answer.split(b"\r\n")[0] and b"of %b bytes" % size in answer
    for link in [*idle, *slow]:
        link.close()


@pytest.mark.parametrize("head", [POST, KEYED], ids=["without a key", "with a key"])
def test_requests_on_their_way_keep_nobody_from_a_page(
    start_server: Callable[..., Server], head: bytes
) -> None:
    server = start_server(**NARROW | {"READ_TIMEOUT": "60"})
    begun = [
        head[:30],
        head + b"Content-Length: 99\r\n",
        head + b"Content-Length: 99\r\n\r\n{",
        head + LONG,
        head + LONG + b"{" * 100_000,
        head + CHUNKED,
        head + CHUNKED + b"5\r\n{",
        head + b"Expect: 100-continue\r\n" + LONG,
    ]
    slow = [raw(server, part) for part in begun for _ in range(20)]
    # More than a worker takes in, together with those.
    slow += [raw(server, head[:quiet]) for quiet in (0, 9) for _ in range(550)]
    for path in ("/health/ready", "/version"):
        assert requests.get(server.url + path, timeout=10).status_code == 200
    for link in slow:
        link.close()


def test_clients_that_read_no_page_keep_nobody_from_one(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**NARROW)
    page = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    deaf = [socket.socket() for _ in range(4)]
    for link in deaf:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", server.port))
        link.sendall(page * 200)
    for _ in range(3):
        assert requests.get(f"{server.url}/version", timeout=10).status_code == 200
    deaf[0].settimeout(10)
    assert deaf[0].recv(100).startswith(b"HTTP/1.1 200")
    for link in deaf:
        link.close()


REFUSED = [
    (POST + LONG, b"401"),
    (POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", b"401"),
    (KEYED + b"Content-Type: text/html\r\n" + LONG, b"415"),
    (KEYED + LONG.replace(b"1000000", b"99999999999"), b"413"),
    (KEYED.replace(b"predict ", b"nothing ") + LONG, b"404"),
    (b"DELETE" + KEYED[4:] + LONG, b"405"),
    (KEYED + CHUNKED + b"100000\r\n" + b" " * (1 << 20) + b"\r\n100000\r\n", b"413"),
]


def test_a_refusal_needs_no_body_and_closes_its_connection(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**NARROW, MAX_BODY="1048576")
    for head, status in REFUSED:
        link = raw(server, head)
        answer = read_all(link)
        link.close()
        assert answer.startswith(b"HTTP/1.1 " + status), head[:99]
        assert b"\r\nConnection: close\r\n" in answer


def test_long_bodies_come_in_whatever_way_they_are_sent(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**NARROW)
    body = json.dumps({"rows": [SMALL] * 3000}).encode()
    cut = [body[place : place + 7000] for place in range(0, len(body), 7000)]
    sized = KEYED + b"Content-Length: %d\r\n" % len(body)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in cut) + b"0\r\n\r\n"
    link = raw(server, sized + b"\r\n" + body, KEYED + CHUNKED + chunks)
    assert answers(link, 2).count(b"HTTP/1.1 200") == 2
    link.sendall(sized + b"Expect: 100-continue\r\n\r\n")
    assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for part in cut:
        link.sendall(part)
    assert answers(link, 1).startswith(b"HTTP/1.1 200")
    link.close()


def test_long_requests_may_hold_only_so_much(start_server: Callable[..., Server]) -> None:
    server = start_server(**NARROW, MAX_BODY="100000")
    long = KEYED + b"Content-Length: 100000\r\n\r\n" + b" " * 90_000
    links = [raw(server, long) for _ in range(10)]
    ready = select.select(links, [], [], 10)[0]
    assert ready and ready[0].recv(20).startswith(b"HTTP/1.1 503")
    for link in links:
        link.close()
    wait_for(lambda: predict(server).status_code == 200)


UNSOUND = [
    b"NONSENSE\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\0\0\0\0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA b: secret\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 99 + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 99_999,
]


def test_unsound_http_is_a_problem_document_and_a_line_of_the_log(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    for unsound in UNSOUND:
        link = raw(server, unsound)
        answer = read_all(link)
        link.close()
        assert answer.startswith(b"HTTP/1.1 400") and b"application/problem+json" in answer
        document = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert refusal_of(server, document["request_id"]) in document["detail"]
    assert predict(server).status_code == 200
    assert "secret" not in server.log.read_text(encoding="utf-8")


def refusal_of(server: Server, request_id: str) -> str:
    """What the log says of it."""
    lines = server.log.read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if request_id in line]
    assert [event["event.action"] for event in events] == ["refused"]
    return str(events[0]["event.reason"])


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


CHUNKED_PAGE = b"GET /version HTTP/1.1\r\nHost: x\r\n" + CHUNKED


@pytest.mark.parametrize(
    "request_", [CHUNKED_PAGE + b"5\r\nhelloXX0\r\n\r\n", CHUNKED_PAGE + b"0\r\nHost: y\r\n\r\n"]
)
def test_an_unsound_body_that_nobody_reads_gets_no_second_answer(
    start_server: Callable[..., Server], request_: bytes
) -> None:
    link = raw(start_server(**NARROW), request_)
    answer = read_all(link)
    link.close()
    assert answer.startswith(b"HTTP/1.1 200") and answer.count(b"HTTP/1.1 ") == 1


def test_what_follows_a_long_body_that_nobody_reads_is_answered(
    start_server: Callable[..., Server],
) -> None:
    page = b"GET /version HTTP/1.1\r\nHost: x\r\n"
    body = b"a" * 65536
    link = raw(
        start_server(**NARROW),
        page
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
        + page
        + b"Connection: close\r\n\r\n",
    )
    assert read_all(link).count(b"HTTP/1.1 200") == 2
    link.close()
