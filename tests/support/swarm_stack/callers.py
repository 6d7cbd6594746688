"""Callers that ask for predictions without pause while something happens, and what became of each request."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TIMEOUT = 15.0
#: Seconds of an answer that takes long.
LONG = 0.15
#: Method, path, body and headers.
Request = tuple[str, str, bytes, dict[str, str]]
#: What the thread with this number asks next; it may wait until it is time.
NextRequest = Callable[[int], Request]


def prediction(model: str, rows: list[dict[str, Any]], key: str) -> Request:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return "POST", f"/v1/models/{model}/predict", json.dumps({"rows": rows}).encode(), headers


class Reply(NamedTuple):
    """`status` is the kind of error where there was no answer."""

    status: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def release(self) -> str:
        return self.headers.get("X-Release", "")


class Failure(NamedTuple):
    """A request that was not answered with 200: its status, or the kind of error; and the release that answered."""

    what: str
    release: str


@dataclass
class Seen:
    """What callers met."""

    requests: int = 0
    slowest: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    releases: Counter[str] = field(default_factory=Counter)
    #: Answers that took long, by release.
    slow: Counter[str] = field(default_factory=Counter)

    def add(self, status: str, release: str, seconds: float) -> None:
        self.requests += 1
        self.slowest = max(self.slowest, seconds)
        if seconds > LONG:
            self.slow[release] += 1
        if status == "200":
            self.releases[release] += 1
        else:
            self.failures.append(Failure(status, release))

    @property
    def summary(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failed": len(self.failures),
            "slowest_s": round(self.slowest, 3),
            "releases": dict(self.releases),
            "failures": Counter(f"{failure.what} ({failure.release})" for failure in self.failures),
        }


class Callers:
    """Asks from several threads, each on a connection that it keeps, from entry to exit.

    Without `trust` it is plain HTTP.
    """

    def __init__(
        self,
        edges: list[str],
        port: int,
        trust: ssl.SSLContext | None,
        request: Request | NextRequest,
        threads: int,
    ):
        self.seen = Seen()
        self._over, self._lock = threading.Event(), threading.Lock()
        self._next: NextRequest = request if callable(request) else lambda _: request
        self._threads = [
            threading.Thread(
                target=self._call, args=(number, Line(edges, number, port, trust)), daemon=True
            )
            for number in range(threads)
        ]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT * 2)

    def _call(self, number: int, line: Line) -> None:
        while not self._over.is_set():
            request = self._next(number)
            began = time.monotonic()
            reply = line.ask(request)
            with self._lock:
                self.seen.add(reply.status, reply.release, time.monotonic() - began)
        line.close()


class Line:
    """A connection to one of the edges; to another one where that takes none, as clients of a name do."""

    def __init__(self, edges: list[str], first: int, port: int, trust: ssl.SSLContext | None):
        self._edges = edges[first % len(edges) :] + edges[: first % len(edges)]
        self._port, self._trust = port, trust
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, request: Request) -> Reply:
        try:
            connection = self._connection = self._connection or self._connected()
            connection.request(*request)
            answer = connection.getresponse()
            body = answer.read()
            if answer.will_close:
                self.close()
            return Reply(str(answer.status), answer.headers, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._edges.append(self._edges.pop(0))
            return Reply(type(error).__name__, {}, b"")

    def _connected(self) -> http.client.HTTPConnection:
        last = OSError("no edge")
        for edge in list(self._edges):
            connection = self._to(edge)
            try:
                connection.connect()
            except OSError as error:
                last = error
                self._edges.append(self._edges.pop(0))
                continue
            connection.sock.settimeout(TIMEOUT)
            return connection
        raise last

    def _to(self, edge: str) -> http.client.HTTPConnection:
        if self._trust is None:
            return http.client.HTTPConnection(edge, self._port, timeout=2)
        return http.client.HTTPSConnection(edge, self._port, timeout=2, context=self._trust)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
