"""The route POST /contain: from then on this replica takes no prediction, and the edge asks others.

A deploy that finds a new replica bad says so at once; to put the former release back takes Swarm half a minute.
Only a restart ends it. Whoever may say it needs a key of scope admin, and names the container: what the edge sent to
another replica, since this one was down, harms none.
"""

from __future__ import annotations

import socket
from typing import Any

import msgspec
from flask import Blueprint, request

from service.process.logs import log
from service.process.state import State
from service.web.body import check_content_type, read_body
from service.web.guard import scopes
from service.web.problems import NotJson, OtherReplica
from service.web.reply import JSON_TYPE

_MOST_BYTES = 4096


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    #: The container's id, of which its host name is the beginning.
    replica: str
    reason: str = ""


def blueprint(state: State) -> Blueprint:
    routes = Blueprint("containment", __name__)
    name = socket.gethostname()

    @routes.post("/contain", endpoint="contain")
    @scopes("admin")
    def contain() -> dict[str, Any]:
        check_content_type(request.environ, JSON_TYPE)
        order = _read(read_body(request.environ, _MOST_BYTES))
        if not order.replica.startswith(name):
            raise OtherReplica(f"this is {name}, which is not {order.replica[:64]}")
        if not state.contained:
            log("warning", "contained", reason=order.reason[:500])
        state.contain()
        return {"status": "contained", "replica": name}

    return routes


def _read(body: bytes) -> _Order:
    try:
        return msgspec.json.decode(body, type=_Order)
    except msgspec.MsgspecError as error:
        raise NotJson(f'{error}; send {{"replica": "CONTAINER", "reason": "WHY"}}') from error
