"""Many connections, long requests and few descriptors: what a worker keeps of them, and who has to go."""

from __future__ import annotations

import json
import re
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from service.process.server import DESCRIPTORS
from tests.support.service.calls import KEYED, SMALL, answers, predict, raw
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow

ALONE = {"WORKERS": "1", "JOURNAL": "off"}
PAGE = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
MEGABYTE = 1 << 20
BODY = json.dumps({"rows": [SMALL]}).encode()
#: Gunicorn's usual number of connections of a worker.
MOST = 1000


def long_request(extra: bytes = b"") -> bytes:
    body = BODY + b" " * (4 * MEGABYTE - len(BODY))
    return KEYED + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


def memory(server: Server) -> int:
    """Megabytes of its one worker."""
    (worker,) = server.workers
    status = Path(f"/proc/{worker}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) // 1024


@pytest.mark.parametrize("extra", [b"Connection: close\r\n", b""], ids=["closed", "idle"])
def test_a_request_is_kept_no_longer_than_its_answer(
    start_server: Callable[..., Server], extra: bytes
) -> None:
    server, request = start_server(**ALONE), long_request(extra)
    links: list[socket.socket] = []

    def ask(times: int) -> int:
        for _ in range(times):
            links.append(raw(server, request))
            assert answers(links[-1], 1).startswith(b"HTTP/1.1 200")
        return memory(server)

    before = ask(10)
    # Their bodies are 160 MB.
    assert ask(40) < before + 60
    for link in links:
        link.close()


def test_at_the_most_connections_the_newcomer_is_answered(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**ALONE)
    idle = [raw(server, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(900)]
    assert all(link.recv(4096).startswith(b"HTTP/1.1 200") for link in idle)
    # One more is just what there is room for: it is the newest, and must not be the one that goes.
    deaf = [deaf_client(server) for _ in range(MOST - 1 - len(idle))]
    for _ in range(5):
        assert predict(server).status_code == 200
        assert requests.get(f"{server.url}/health/live", timeout=10).status_code == 200
    for link in (*idle, *deaf):
        link.close()


def test_those_who_read_nothing_keep_nobody_out(start_server: Callable[..., Server]) -> None:
    server = start_server(**ALONE)
    deaf = [deaf_client(server) for _ in range(MOST)]
    assert requests.get(f"{server.url}/health/live", timeout=20).status_code == 200
    for link in deaf:
        link.close()


def deaf_client(server: Server) -> socket.socket:
    """Asks for more than its own buffer and the kernel's hold, and reads nothing of it."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    link.settimeout(20)
    link.connect(("127.0.0.1", server.port))
    link.sendall(PAGE * 60)
    assert link.recv(1, socket.MSG_PEEK)
    return link


def test_a_worker_without_descriptors_goes_on_and_loses_no_request(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(**ALONE)
    (worker,) = server.workers
    request = KEYED + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    assert predict(server).status_code == 200
    early = raw(server, request[:-5])
    count = len(list(Path(f"/proc/{worker}/fd").iterdir()))
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (count + 20, count + 20))
    silent = [raw(server) for _ in range(40)]
    wait_for(lambda: "no connection can be accepted" in server.log.read_text(encoding="utf-8"))
    early.sendall(request[-5:])
    assert answers(early, 1).startswith(b"HTTP/1.1 200")
    # Once those that say nothing have had their moment, they make room.
    assert predict(server).status_code == 200
    assert server.workers == [worker]
    for link in (early, *silent):
        link.close()


def test_the_usual_limit_of_descriptors_is_raised(start_server: Callable[..., Server]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        server = start_server(**ALONE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (worker,) = server.workers
    most = hard if hard != resource.RLIM_INFINITY else DESCRIPTORS
    assert resource.prlimit(worker, resource.RLIMIT_NOFILE)[0] == min(most, DESCRIPTORS)
