"""Requests at a steady rate, whether or not answers come in time: latency counts from when a request was due."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.bench.wrk import Load

THREADS = 8


class Paced:
    """Asks from entry to exit. An error counts as failed, and has no latency."""

    def __init__(self, loads: Sequence[Load], rate: float):
        self.asked = self.failed = 0
        self._loads, self._pace = loads, THREADS / rate
        self._bodies = [json.dumps(load.body).encode() for load in loads]
        self._latencies: list[float] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._began = time.monotonic()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), daemon=True)
            for number in range(THREADS)
        ]

    def __enter__(self) -> Paced:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def take(self) -> list[float]:
        """Seconds of each answer since the last call."""
        with self._lock:
            latencies, self._latencies = self._latencies, []
        return latencies

    def _ask(self, thread: int) -> None:
        load = self._loads[0]
        address = urlsplit(load.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        headers = {"Content-Type": "application/json"} | load.headers
        number = 0
        while True:
            due = self._began + self._pace * (number + thread / THREADS)
            if self._over.wait(max(0.0, due - time.monotonic())):
                break
            number += 1
            body = self._bodies[(number * THREADS + thread) % len(self._bodies)]
            self._note(due, self._is_answered(connection, address.path, body, headers))
        connection.close()

    def _is_answered(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> bool:
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            connection.close()
            return False

    def _note(self, due: float, answered: bool) -> None:
        with self._lock:
            self.asked += 1
            self.failed += not answered
            if answered:
                self._latencies.append(time.monotonic() - due)
