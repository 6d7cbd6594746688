"""Bodies that cost most: a fuzzer's search for them, and the counting of what they cost, in instructions.

python -m tests.support.service.worst CASES     under callgrind: one dump before each body, and one behind it
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import time
from collections import deque
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException

from service.process.arrival import Arrival, Stage
from service.process.worker import Connection
from tests.support.service.fuzzed import MODEL, Case, cases


class Asker:
    """Asks an application in this process."""

    def __init__(self, app: Any):
        from service.views.stream import Messages
        from service.web.keys import ANYONE

        self._app, self._client = app, app.flask.test_client()
        context = app.pipeline.begin({"PATH_INFO": "/stream"}, "stream")
        context.key = ANYONE
        self._stream = Messages(app.models.find(MODEL), app.pipeline, context)

    def ask(self, path: str, body: bytes) -> None:
        if path == "wire":
            receive(body)
            return
        if path.endswith("/stream"):
            self._stream.answer(body)
            return
        path, _, kind = path.partition(" ")
        headers = {"Content-Type": "text/csv" if kind == "csv" else "application/json"}
        if kind == "bytes":
            headers["Inference-Header-Content-Length"] = str(len(body))
            body += b"\1" * len(body)
        answer = self._client.post(path, data=body, headers=headers)
        assert answer.status_code != 500, body[:200]

    def seconds(self, path: str, body: bytes) -> float:
        """Of the processor's; to choose by, never to judge by."""
        started = time.thread_time()
        self.ask(path, body)
        return time.thread_time() - started


def receive(data: bytes) -> None:
    """Takes in what comes, in small pieces, as the poller does; and has the parser read it."""
    worker: Any = SimpleNamespace(cfg=Config(), begin_request=print)
    conn = Connection(worker, socket.socket(), ("127.0.0.1", 1), ("127.0.0.1", 2))
    conn.sock.close()
    arrival: Arrival | None = Arrival()
    for place in range(0, len(data), 16):
        assert arrival is not None
        arrival.data += data[place : place + 16]
        while arrival is not None and arrival.stage() is not Stage.MORE:
            if not arrival.head:
                return
            conn.give(arrival.take(), unfinished=True)
            arrival = arrival.rest()
            try:
                next(conn.parser).body.read()
            except (ParseException, NoMoreData):
                return
        arrival = arrival or Arrival()


def find_worst(asker: Asker, size: int, each: int) -> list[tuple[Case, int]]:
    """Of each route those that cost most, and those whose cost grows most, with a size to count at."""
    measured: dict[str, list[tuple[float, float, Case]]] = {}
    for case in cases():
        small = asker.seconds(case.path, case.body(size // 4))
        large = asker.seconds(case.path, case.body(size))
        measured.setdefault(case.path, []).append((large, large / small, case))
    worst: dict[Case, int] = {}
    for cases_of_path in measured.values():
        for by in (0, 1):
            for large, _, case in sorted(cases_of_path, key=itemgetter(by), reverse=True)[:each]:
                # About as long for each: what is cheap shows its growth at a size where it counts.
                worst[case] = min(size * 4, max(2048, int(size * 0.002 / large)))
    return list(worst.items())


def main(arguments: list[str]) -> int:
    """Asks for each body twice, so that what is done once is not counted."""
    from service.app import create_app
    from service.process import metrics
    from service.process.state import State
    from service.settings import read_settings

    folder = Path(arguments[0])
    metrics.keep_in(folder / "metrics")
    app = create_app(read_settings(os.environ), State())
    app.models.open_journal()
    asker = Asker(app)
    # A collection comes at any time, and would be taken for the cost of one body.
    gc.disable()
    # What fills holes is named while they are found.
    deque(cases(), maxlen=0)
    for path, text, filler, sizes in json.loads((folder / "cases.json").read_text("utf-8")):
        bodies = [Case(path, text, filler).body(size) for size in sizes]
        asker.ask(path, bodies[0])
        for body in bodies:
            os.getpgid(0)
            asker.ask(path, body)
            os.getpgid(0)
    # As a worker leaves.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
