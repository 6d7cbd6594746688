"""A stand-in for Elasticsearch and Kibana: it keeps what it was sent, and refuses what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from werkzeug.wrappers import Request as WebRequest
from werkzeug.wrappers import Response

from tests.support.web import answering


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


class ElasticStandIn:
    """`documents` by index and id. `plan` has the statuses of the next requests, `items` of the next documents."""

    url = ""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.plan: list[int] = []
        self.items: list[int] = []

    def __call__(self, asked: WebRequest) -> Response:
        names = ("Content-Type", "Authorization", "kbn-xsrf")
        headers = (asked.headers.get(name, "") for name in names)
        self.requests.append(
            Request(asked.method, asked.environ["RAW_URI"], *headers, asked.get_data())
        )
        if self.plan and (status := self.plan.pop(0)) != 200:
            return _as_json({"error": {"reason": "as planned"}}, status)
        if asked.path == "/_bulk":
            items = list(self._take(asked.get_data()))
            return _as_json({"errors": False, "took": 1, "items": items})
        return _as_json({"acknowledged": True})

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


def _as_json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


@contextmanager
def elastic_stand_in() -> Iterator[ElasticStandIn]:
    stand_in = ElasticStandIn()
    with answering(stand_in) as stand_in.url:
        yield stand_in
