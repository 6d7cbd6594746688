"""An HTTP answer, and JSON in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from flask import Response

Headers = list[tuple[str, str]]
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
OCTETS_TYPE = "application/octet-stream"

encode_json = msgspec.json.encode


class Reply(NamedTuple):
    """An HTTP answer, ready to be written."""

    status: str
    headers: Headers
    body: bytes

    def as_http(self) -> bytes:
        """As bytes, for where no request could be made of what came: the connection ends with it."""
        fields = [*self.headers, ("Connection", "close"), ("Content-Length", str(len(self.body)))]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {self.status}\r\n{lines}\r\n".encode("latin-1") + self.body


def json_response(value: Any, status: int = 200) -> Response:
    """What a view returns."""
    return Response(encode_json(value), status, content_type=JSON_TYPE)
