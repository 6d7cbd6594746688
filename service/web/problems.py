"""Every refusal, as an RFC 9457 problem document.

Problem                 what a client is told; `status` and `code` are the class's
├── NotJson             400
├── BadHeader           400
├── BadRequest          400
├── Unauthenticated     401
├── Forbidden           403
├── NotFound            404
├── NotAllowed          405
├── TooSlow             408
├── Running             409
├── TooLarge            413
├── Unsupported         415
├── Unprocessable       422   one entry a bad field
├── Failed              500   says nothing of the inside
├── Upstream            502
└── Unavailable         503   with Retry-After
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from service.bundle.contract import FieldError, Invalid, shorten

Headers = list[tuple[str, str]]
PROBLEM_TYPE = "application/problem+json"
JSON_TYPE = "application/json"


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


class Problem(Exception):
    status: ClassVar[str] = "500 Internal Server Error"
    code: ClassVar[str] = "failed"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        total: int = 0,
        headers: Iterable[tuple[str, str]] = (),
    ):
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.total = total
        self.headers = list(headers)

    def document(self, request_id: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": f"urn:swarmline:problem:{self.code}",
            "title": self.status.partition(" ")[2],
            "status": int(self.status[:3]),
            "detail": printable(self.detail),
            "request_id": request_id,
        }
        if self.errors:
            found["errors"] = [_entry(error) for error in self.errors]
            found["total"] = self.total or len(self.errors)
        return found

    def reply(self, request_id: str) -> Reply:
        body = msgspec.json.encode(self.document(request_id))
        return Reply(self.status, [("Content-Type", PROBLEM_TYPE), *self.headers], body)


class NotJson(Problem):
    status, code = "400 Bad Request", "not-json"


class BadHeader(Problem):
    status, code = "400 Bad Request", "bad-header"


class BadRequest(Problem):
    status, code = "400 Bad Request", "bad-request"


class Unauthenticated(Problem):
    status, code = "401 Unauthorized", "unauthenticated"

    def __init__(self, detail: str):
        super().__init__(detail, headers=[("WWW-Authenticate", 'Bearer realm="swarmline"')])


class Forbidden(Problem):
    status, code = "403 Forbidden", "forbidden"


class NotFound(Problem):
    status, code = "404 Not Found", "not-found"


class NotAllowed(Problem):
    status, code = "405 Method Not Allowed", "method-not-allowed"


class TooSlow(Problem):
    status, code = "408 Request Timeout", "too-slow"


class Running(Problem):
    status, code = "409 Conflict", "already-running"


class TooLarge(Problem):
    status, code = "413 Content Too Large", "too-large"


class Unsupported(Problem):
    status, code = "415 Unsupported Media Type", "unsupported-media-type"


class Unprocessable(Problem):
    status, code = "422 Unprocessable Content", "invalid"

    @classmethod
    def of(cls, invalid: Invalid) -> Unprocessable:
        count = f"{invalid.total} fields are" if invalid.total > 1 else "1 field is"
        detail = f"{count} not as the contract says: {invalid}"
        return cls(detail, errors=invalid.errors, total=invalid.total)

    @classmethod
    def field(cls, name: str, given: Any, allowed: str, row: int = 0) -> Unprocessable:
        """One bad field outside of the contract's columns."""
        return cls.of(Invalid([FieldError(row, name, given, allowed)]))


class Failed(Problem):
    pass


class Upstream(Problem):
    status, code = "502 Bad Gateway", "upstream"


class Unavailable(Problem):
    status, code = "503 Service Unavailable", "unavailable"

    def __init__(self, detail: str, retry_after: int = 1):
        super().__init__(detail, headers=[("Retry-After", str(retry_after))])


def with_error(body: bytes) -> bytes:
    """A problem document with the `error` that clients of the V2 protocol look for."""
    document = msgspec.json.decode(body)
    return msgspec.json.encode({**document, "error": document["detail"]})


def printable(text: str) -> str:
    """Text that UTF-8 can hold: JSON may smuggle in half of a surrogate pair."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _entry(error: FieldError) -> dict[str, Any]:
    return {
        "row": error.row,
        "column": printable(shorten_text(error.column)),
        "given": _given(error.given),
        "allowed": printable(error.allowed),
    }


def shorten_text(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _given(value: Any) -> Any:
    """What was given, as JSON can say it: never long, never NaN."""
    if isinstance(value, str):
        return printable(shorten_text(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    return printable(shorten(value))
