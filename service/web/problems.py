"""Every refusal, as an RFC 9457 problem document.

Problem                    what a client is told; `status` and `code` are the class's
├── NotJson                 400
├── BadHeader               400
├── BadRequest              400
├── Unauthenticated         401
├── Forbidden               403
├── NotFound                404
├── MethodNotAllowed        405
├── TooSlow                 408
├── AlreadyRunning          409
├── TooLarge                413
├── UnsupportedMediaType    415
├── Unprocessable           422   one entry a bad field
├── InternalError           500   says nothing of the inside
├── BadGateway              502
└── Unavailable             503   with Retry-After
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from service.bundle.contract import FieldError, Invalid, shorten
from service.web.reply import PROBLEM_TYPE, Reply, encode_json


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

    def document(self, request_id: str, v2: bool = False) -> dict[str, Any]:
        """`v2`: with the `error` that clients of the V2 protocol look for."""
        document: dict[str, Any] = {
            "type": f"urn:swarmline:problem:{self.code}",
            "title": self.status.partition(" ")[2],
            "status": int(self.status[:3]),
            "detail": printable(self.detail),
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = [_entry(error) for error in self.errors]
            document["total"] = self.total or len(self.errors)
        if v2:
            document["error"] = document["detail"]
        return document

    def reply(self, request_id: str, v2: bool = False) -> Reply:
        body = encode_json(self.document(request_id, v2))
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


class MethodNotAllowed(Problem):
    status, code = "405 Method Not Allowed", "method-not-allowed"


class TooSlow(Problem):
    status, code = "408 Request Timeout", "too-slow"


class AlreadyRunning(Problem):
    status, code = "409 Conflict", "already-running"


class OtherReplica(Problem):
    status, code = "409 Conflict", "other-replica"


class TooLarge(Problem):
    status, code = "413 Content Too Large", "too-large"


class UnsupportedMediaType(Problem):
    status, code = "415 Unsupported Media Type", "unsupported-media-type"


class Unprocessable(Problem):
    status, code = "422 Unprocessable Content", "invalid"

    @classmethod
    def of(cls, invalid: Invalid) -> Unprocessable:
        count = f"{invalid.total} fields are" if invalid.total > 1 else "1 field is"
        detail = f"{count} not as the contract says: {invalid}"
        return cls(detail, errors=invalid.errors, total=invalid.total)

    @classmethod
    def field(cls, name: str, value: Any, allowed: str, row: int = 0) -> Unprocessable:
        """One bad field outside of the contract's columns."""
        return cls.of(Invalid([FieldError(row, name, value, allowed)]))


class InternalError(Problem):
    pass


class BadGateway(Problem):
    status, code = "502 Bad Gateway", "upstream"


class Unavailable(Problem):
    status, code = "503 Service Unavailable", "unavailable"

    def __init__(self, detail: str, retry_after: int = 1):
        super().__init__(detail, headers=[("Retry-After", str(retry_after))])


def printable(text: str) -> str:
    """Text that UTF-8 can hold: JSON may smuggle in half of a surrogate pair."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _entry(error: FieldError) -> dict[str, Any]:
    return {
        "row": error.row,
        "column": printable(shorten_text(error.column)),
        "given": _as_json(error.given),
        "allowed": printable(error.allowed),
    }


def shorten_text(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _as_json(value: Any) -> Any:
    """The value that was given, as JSON can say it: never long, never NaN."""
    if isinstance(value, str):
        return printable(shorten_text(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    return printable(shorten(value))
