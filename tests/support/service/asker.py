"""Asks an application in this process, or the reader of what arrives, for each kind of body that the fuzzer knows."""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException

from service.process.arrival import Arrival, Stage
from service.process.worker import Connection
from tests.support.service.fuzzed import MODEL


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


def receive(data: bytes) -> None:
    """Takes in what comes, in small pieces, as the poller does; and has the parser read it."""
    conn = Connection(Config(), socket.socket(), ("127.0.0.1", 1), ("127.0.0.1", 2))
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
