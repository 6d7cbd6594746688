"""WebSocket: rows in, predictions out, in order. A stream's thread answers before it reads on.

A message is one row (an object, or a list in the contract's order), or a whole native request. Each
is answered by one message: a native answer, or a problem document, after which the stream goes on.
"""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any

from flask import g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed

from service.bundle.contract import Matrix
from service.predict.direct import attempt, subject_of
from service.predict.served import Call, Core, Served, Side
from service.process.logs import log
from service.protocols.native import FORMS, Native
from service.web.keys import Key
from service.web.problems import Unavailable
from service.web.strict_json import by_name, parse_json

if TYPE_CHECKING:
    from service.app import Service

GOING_AWAY = 1001
IDLE_SECONDS = 600.0


class _NoThread:  # pylint: disable=too-few-public-methods
    """The library would read ahead without bound, in a thread of its own: no back-pressure."""

    name = ""

    def __init__(self, target: Any):
        del target

    def start(self) -> None:
        """Nothing runs: `Stream` reads for itself."""


def add_routes(app: Service, core: Core) -> None:
    app.config["SOCK_SERVER_OPTIONS"] = {
        "thread_class": _NoThread,
        "max_message_size": core.settings.max_body,
        "receive_bytes": 16384,
    }
    places = threading.BoundedSemaphore(core.settings.streams) if core.settings.streams else None
    sock = Sock(app)

    @app.before_request
    def take_place() -> None:
        if request.endpoint != "stream":
            return
        core.model((request.view_args or {})["model"])
        # Before the upgrade: after it, a refusal could not be told as HTTP.
        g.subject = subject_of(request.environ)
        if places is None or not places.acquire(False):  # pylint: disable=consider-using-with
            raise Unavailable("all streams are taken; try again, or use predict", retry_after=5)
        g.place = places
        core.metrics.streams.inc()

    @app.teardown_request
    def leave_place(_error: BaseException | None) -> None:
        place = g.pop("place", None)
        if place is not None:
            place.release()
            core.metrics.streams.dec()

    @sock.route("/v1/models/<model>/stream", endpoint="stream")  # type: ignore[untyped-decorator]
    def stream(ws: Any, model: str) -> None:
        core.state.worker.lift_read_deadline(ws.sock)
        Stream(ws, core.model(model), g.request_id, g.key).run()


class Stream:
    def __init__(self, ws: Any, served: Served, stream_id: str, key: Key):
        self._ws, self._served, self._key = ws, served, key
        self._id, self._number = stream_id, 0
        self._native = Native(served)
        self._subject = g.subject
        self._arm = request.environ.get("HTTP_X_ARM")

    def run(self) -> None:
        try:
            while (message := self._receive()) is not None:
                self._ws.send(
                    self._answer(message.encode() if isinstance(message, str) else message)
                )
        except (ConnectionClosed, OSError):
            log("debug", "stream", request_id=self._id, ended="by the client")

    def _receive(self) -> str | bytes | None:
        """The next message; None when it is time to go."""
        ws, idle_until = self._ws, time.monotonic() + IDLE_SECONDS
        state = self._served.core.state
        while not ws.input_buffer:
            if not ws.connected:
                return None
            heard = select.select([ws.sock], [], [], 0.5)[0]
            # A client that never pauses is told too, or the stop would wait for it to the end.
            if state.draining or (not heard and time.monotonic() > idle_until):
                ws.close(GOING_AWAY, "draining or idle; connect again")
                return None
            if not heard:
                continue
            data = ws.sock.recv(ws.receive_bytes)
            if not data:
                return None
            ws.ws.receive_data(data)
            ws.connected = ws._handle_events()  # pylint: disable=protected-access
        message: str | bytes = ws.input_buffer.pop(0)
        return message

    def _answer(self, message: bytes) -> str:
        self._number += 1
        request_id = f"{self._id[:110]}.{self._number}"
        core = self._served.core
        reply = attempt(
            core, "stream", request_id, lambda sides: self._predict(message, request_id, sides)
        )
        return reply.body.decode()

    def _predict(self, message: bytes, request_id: str, sides: list[Side]) -> Any:
        call = Call(request_id, self._key, self._subject, self._arm, time.perf_counter())
        side = self._served.choose(call)
        sides.append(side)
        found = self._served.predict(call, side, self._read(message))
        return self._native.write(found, request_id, None), found

    def _read(self, message: bytes) -> Matrix:
        row = self._native.read_row(message)
        if row is not None:
            return row
        document = parse_json(message)
        forms = set(FORMS) - set(self._served.contract.names)
        if isinstance(document, dict) and document.keys() & forms:
            return self._native.read(message, {})[0]
        return self._served.encoder.encode_rows(by_name(self._served.contract, [document]))
