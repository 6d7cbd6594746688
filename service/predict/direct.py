"""The hot routes: predictions, answered as plain WSGI before Flask builds a request of its own.

Flask keeps every other route, and these too wherever something is unusual: another method, an
unknown model.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

from service.bundle.contract import Invalid, Matrix
from service.predict.served import Call, Core, Prediction, Served, Side
from service.process.logs import log_failure, log_request
from service.protocols.native import Wire
from service.web.body import Environ, need_type, read_body
from service.web.problems import (
    BadHeader,
    Failed,
    Problem,
    Reply,
    Unavailable,
    Unprocessable,
    with_error,
)

SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}").fullmatch
SANE_SUBJECT = re.compile(r"[\x21-\x7e]{1,200}").fullmatch


class ProtocolOf(Protocol):
    """How one protocol reads and writes. `asked` is what of the request shapes its answer."""

    content_types: tuple[str, ...]

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, Any]: ...
    def write(self, found: Prediction, request_id: str, asked: Any) -> Wire: ...


def request_id_of(environ: Environ) -> str:
    """The client's, if it sent a sane one."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if given and SANE_ID(given):
        return str(given)
    return os.urandom(16).hex()


def subject_of(environ: Environ) -> str | None:
    given: str | None = environ.get("HTTP_X_SUBJECT")
    if given and not SANE_SUBJECT(given):
        raise BadHeader("X-Subject must be up to 200 visible ASCII characters")
    return given or None


class DirectRoute:
    """One model's predictions by one protocol."""

    def __init__(self, name: str, served: Served, protocol: ProtocolOf):
        self.name, self._served, self._protocol = name, served, protocol
        core = served.core
        self._core = core
        self._state, self._door, self._limit = core.state, core.door, core.settings.max_body
        self._check_site = core.sites.check

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        started = time.perf_counter()
        request_id = request_id_of(environ)
        self._state.request_began()
        try:
            reply = attempt(
                self._core,
                self.name,
                request_id,
                lambda sides: self._answer(environ, request_id, started, sides),
            )
        finally:
            self._state.request_ended()
        headers = [
            *reply.headers,
            ("X-Request-Id", request_id),
            ("Content-Length", str(len(reply.body))),
        ]
        log_request(self._core.settings.log_sample, environ, reply.status, request_id, started)
        start_response(reply.status, headers)
        return [reply.body]

    def _answer(
        self, environ: Environ, request_id: str, started: float, sides: list[Side]
    ) -> tuple[Wire, Prediction]:
        served = self._served
        self._check_site(environ)
        key = self._door.require(environ.get("HTTP_AUTHORIZATION"), "predict", served.name)
        sides.append(served.champion)
        call = Call(request_id, key, subject_of(environ), environ.get("HTTP_X_ARM"), started)
        side = served.choose(call)
        sides.append(side)
        if self._state.worker.waiting() > self._core.settings.max_waiting:
            raise Unavailable("too many requests are waiting; try again")
        need_type(environ, *self._protocol.content_types)
        matrix, asked = self._protocol.read(read_body(environ, self._limit), environ)
        found = served.predict(call, side, matrix)
        return self._protocol.write(found, request_id, asked), found


def attempt(
    core: Core, route: str, request_id: str, work: Callable[[list[Side]], tuple[Wire, Prediction]]
) -> Reply:
    """What `work` answers, or the problem it ran into.

    `work` appends the arm that answers as soon as it knows: a refusal is signed by the last one.
    """
    sides: list[Side] = []
    try:
        wire, found = work(sides)
        core.metrics.request(route, "200").inc()
        return Reply("200 OK", wire.headers + found.side.headers, wire.body)
    except Problem as problem:
        refused = problem
    except Invalid as invalid:
        refused = Unprocessable.of(invalid)
    # The last line before a client.
    except Exception as error:  # pylint: disable=broad-exception-caught
        log_failure(request_id, error)
        refused = Failed("this request failed; its id is in the log")
    core.metrics.request(route, refused.status[:3]).inc()
    core.metrics.refusal(refused.code).inc()
    reply = refused.reply(request_id)
    if route == "infer":
        reply = reply._replace(body=with_error(reply.body))
    signed = sides[-1].headers if sides else [("X-Release", core.settings.release)]
    return reply._replace(headers=[*reply.headers, *signed])
