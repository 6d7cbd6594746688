"""A stand-in for Elasticsearch and Kibana: it keeps what it was sent, and refuses what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Request(NamedTuple):
    method: str
    path: str
    kind: str
    authorization: str
    xsrf: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ElasticStandIn(ThreadingHTTPServer):
    """`documents` by index and id. `plan` has the statuses of the next requests, `items` of the next documents."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.requests: list[Request] = []
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.plan: list[int] = []
        self.items: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        if self.plan and (status := self.plan.pop(0)) != 200:
            return status, {"error": {"reason": "as planned"}}
        if urlsplit(request.path).path == "/_bulk":
            return 200, {"errors": False, "took": 1, "items": list(self._take(request.body))}
        return 200, {"acknowledged": True}

    def _take(self, body: bytes) -> Iterator[dict[str, Any]]:
        """Lines in pairs: what to do, and the document; the last one ends, too."""
        assert body.endswith(b"\n")
        lines = [json.loads(line) for line in body.splitlines()]
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            ((_, place),) = action.items()
            status = self.items.pop(0) if self.items else 201
            if status < 300:
                self.documents[place["_index"], place["_id"]] = document
                yield {"index": {**place, "status": status}}
            else:
                yield {"index": {**place, "status": status, "error": {"reason": "as planned"}}}


class _Handler(BaseHTTPRequestHandler):
    server: ElasticStandIn

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        names = ("Content-Type", "Authorization", "kbn-xsrf")
        kind, authorization, xsrf = (self.headers.get(name, "") for name in names)
        request = Request(self.command, self.path, kind, authorization, xsrf, body)
        status, document = self.server.answer(request)
        answer = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = _do

    def log_message(self, *_: object) -> None:
        pass
