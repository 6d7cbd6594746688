"""Callers that ask for predictions without pause while something happens, and what became of each request."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

TIMEOUT = 15.0


class Ask(NamedTuple):
    """What is asked, and what of the answer has to be as exported: the golden rows."""

    path: str
    body: bytes
    headers: dict[str, str]


class Failure(NamedTuple):
    """One request that was not answered with 200."""

    after: float
    what: str
    release: str


@dataclass
class Seen:
    """What callers met. `moved` counts connections that went to another edge as one took none."""

    requests: int = 0
    slowest: float = 0.0
    moved: int = 0
    failures: list[Failure] = field(default_factory=list)
    releases: Counter[str] = field(default_factory=Counter)

    def add(self, other: Seen) -> None:
        self.requests += other.requests
        self.moved += other.moved
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures
        self.releases += other.releases

    @property
    def summary(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failed": len(self.failures),
            "slowest_s": round(self.slowest, 3),
            "releases": dict(self.releases),
            "failures": dict(
                Counter(f"{failure.what} ({failure.release})" for failure in self.failures)
            ),
        }


class Callers:
    """Asks from several threads, each on a connection that it keeps, from entry to exit."""

    def __init__(self, edges: list[str], port: int, trust: ssl.SSLContext, ask: Ask, threads: int):
        self._edges, self._port, self._trust, self._ask = edges, port, trust, ask
        self._over = threading.Event()
        self._parts = [Seen() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._call, args=(number, seen), daemon=True)
            for number, seen in enumerate(self._parts)
        ]
        self._started = 0.0
        self.seen = Seen()

    def __enter__(self) -> Callers:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT * 2)
        for part in self._parts:
            self.seen.add(part)

    @property
    def count(self) -> int:
        return sum(part.requests for part in self._parts)

    @property
    def failed(self) -> int:
        return sum(len(part.failures) for part in self._parts)

    def releases(self) -> set[str]:
        return {release for part in self._parts for release in list(part.releases)}

    def _call(self, number: int, seen: Seen) -> None:
        line = _Line(self._edges, number, self._port, self._trust)
        while not self._over.is_set():
            began = time.monotonic()
            status, release = line.ask(self._ask)
            seen.requests += 1
            seen.slowest = max(seen.slowest, time.monotonic() - began)
            seen.moved, line.moved = seen.moved + line.moved, 0
            if status == "200":
                seen.releases[release] += 1
            else:
                seen.failures.append(Failure(round(began - self._started, 2), status, release))
        line.close()


class _Line:
    """A connection to one of the edges; to another one where that takes none, as clients of a name do."""

    def __init__(self, edges: list[str], first: int, port: int, trust: ssl.SSLContext):
        self._edges = edges[first % len(edges) :] + edges[: first % len(edges)]
        self._port, self._trust = port, trust
        self._connection: http.client.HTTPSConnection | None = None
        self.moved = 0

    def ask(self, ask: Ask) -> tuple[str, str]:
        """Status, or the kind of error; and the release that answered."""
        try:
            connection = self._connection = self._connection or self._connected()
            connection.request("POST", ask.path, ask.body, ask.headers)
            answer = connection.getresponse()
            answer.read()
            if answer.will_close:
                self.close()
            return str(answer.status), answer.headers.get("X-Release", "")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._edges.append(self._edges.pop(0))
            return type(error).__name__, ""

    def _connected(self) -> http.client.HTTPSConnection:
        last: OSError | None = None
        for edge in list(self._edges):
            connection = http.client.HTTPSConnection(
                edge, self._port, timeout=2, context=self._trust
            )
            try:
                connection.connect()
            except OSError as error:
                last = error
                self._edges.append(self._edges.pop(0))
                self.moved += 1
                continue
            connection.sock.settimeout(TIMEOUT)
            return connection
        raise last or OSError("no edge")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def golden_ask(model: str, rows: list[dict[str, Any]], key: str) -> Ask:
    return Ask(
        f"/v1/models/{model}/predict",
        json.dumps({"rows": rows}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
