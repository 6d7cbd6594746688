"""The caller's trace, by the header `traceparent` of W3C Trace Context."""

from __future__ import annotations

import re

from service.web.body import Environ

#: Version, trace, parent, flags. A version after 00 may say more behind a dash; ff is none.
_SOUND = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
).fullmatch


def trace_id_of(environ: Environ) -> str | None:
    """None without the header, and for one that is not sound: the standard has it ignored, not refused."""
    sent = environ.get("HTTP_TRACEPARENT")
    if sent is None:
        return None
    parts = _SOUND(sent)
    if parts is None or (parts["version"] == "00" and parts["more"] is not None):
        return None
    trace: str = parts["trace"]
    return trace
