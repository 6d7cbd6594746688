"""WebSocket: rows in, predictions out, in order. A stream's thread answers before it reads on.

A message is one row (an object, or a list in the contract's order), or a whole native request. Each
is answered by one message: a native answer, or a problem document, after which the stream goes on.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any

from flask import Blueprint, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed

from service.bundle.contract import Matrix
from service.predict.served import ServedModel, ServedModels
from service.process.logs import log
from service.process.state import State
from service.protocols.native import FORMS, NativeProtocol
from service.protocols.row_forms import by_name
from service.settings import Settings
from service.web.guard import scopes
from service.web.pipeline import Pipeline, RequestContext, subject_of
from service.web.problems import Unavailable
from service.web.reply import Reply
from service.web.strict_json import parse_json

GOING_AWAY = 1001
IDLE_SECONDS = 600.0


class _NoThread:  # pylint: disable=too-few-public-methods
    """The library would read ahead without bound, in a thread of its own: no back-pressure."""

    name = ""

    def __init__(self, target: Any):
        del target

    def start(self) -> None:
        """Nothing runs: `run` reads for itself."""


def blueprint(models: ServedModels, pipeline: Pipeline, settings: Settings) -> Blueprint:
    routes, state = Blueprint("streams", __name__), pipeline.state
    slots = threading.BoundedSemaphore(settings.streams) if settings.streams else None

    @routes.record_once
    def set_options(setup: Any) -> None:
        setup.app.config["SOCK_SERVER_OPTIONS"] = {
            "thread_class": _NoThread,
            "max_message_size": settings.max_body,
            "receive_bytes": 16384,
        }

    @routes.before_request
    def take_slot() -> None:
        models.find((request.view_args or {})["model"])
        # Before the upgrade: after it, a refusal could not be told as HTTP.
        g.context.subject = subject_of(request.environ)
        if slots is None or not slots.acquire(False):  # pylint: disable=consider-using-with
            raise Unavailable("all streams are taken; try again, or use predict", retry_after=5)
        g.slot = slots
        pipeline.metrics.streams.inc()

    @routes.teardown_request
    def free_slot(_error: BaseException | None) -> None:
        slot = g.pop("slot", None)
        if slot is not None:
            slot.release()
            pipeline.metrics.streams.dec()

    @Sock().route("/v1/models/<model>/stream", bp=routes, endpoint="stream")  # type: ignore[untyped-decorator]
    @scopes("predict")
    def stream(ws: Any, model: str) -> None:
        state.worker.lift_read_deadline(ws.sock)
        run(ws, Messages(models.find(model), pipeline, g.context), state)

    return routes


def run(ws: Any, messages: Messages, state: State) -> None:
    """Answers one message after the other, until it is time to go."""
    try:
        while (message := _receive(ws, state)) is not None:
            ws.send(messages.answer(message.encode() if isinstance(message, str) else message))
    except (ConnectionClosed, OSError):
        log("debug", "stream", request_id=messages.stream_id, ended="by the client")


def _receive(ws: Any, state: State) -> str | bytes | None:
    """The next message; None when it is time to go."""
    idle_until = time.monotonic() + IDLE_SECONDS
    # Not select(): it takes no descriptor above 1023.
    poller = select.poll()
    poller.register(ws.sock, select.POLLIN)
    while not ws.input_buffer:
        if not ws.connected:
            return None
        heard = poller.poll(500)
        # A client that never pauses is told too, or the stop would wait for it to the end.
        if not state.available or (not heard and time.monotonic() > idle_until):
            ws.close(GOING_AWAY, "draining, contained or idle; connect again")
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


class Messages:
    """A stream's messages: each is a request of its own, under the stream's id, key, subject and arm."""

    def __init__(self, model: ServedModel, pipeline: Pipeline, stream: RequestContext):
        self._model, self._pipeline, self._stream = model, pipeline, stream
        self.stream_id, self._count = stream.request_id, 0
        self._native = NativeProtocol(model)
        self._arm_name = stream.environ.get("HTTP_X_ARM")

    def answer(self, message: bytes) -> str:
        self._count += 1
        stream = self._stream
        context = RequestContext(
            stream.environ,
            "stream",
            f"{self.stream_id[:110]}.{self._count}",
            time.perf_counter(),
            stream.signed_by,
            stream.key,
            stream.subject,
            self._arm_name,
            logged=False,
            trace_id=stream.trace_id,
            metrics=self._model.metrics.requests,
        )
        reply = self._pipeline.attempt(context, lambda context: self._predict(context, message))
        self._pipeline.finish(context, reply.status)
        return reply.body.decode()

    def _predict(self, context: RequestContext, message: bytes) -> Reply:
        arm = self._model.choose(context)
        context.metrics = arm.metrics.requests
        prediction = self._model.predict(context, arm, self._read(message))
        return self._native.write(prediction, context.request_id, None)

    def _read(self, message: bytes) -> Matrix:
        row = self._native.read_row(message)
        if row is not None:
            return row
        document = parse_json(message)
        forms = set(FORMS) - set(self._model.contract.names)
        if isinstance(document, dict) and document.keys() & forms:
            return self._native.read(message, {})[0]
        return self._model.encoder.encode_rows(by_name(self._model.contract, [document]))
