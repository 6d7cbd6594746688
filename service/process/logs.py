"""Structured logs: one JSON line a request, on standard output. Never a body, never a key."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
import traceback
from typing import Any

import msgspec

_LEVEL = {"least": logging.INFO}


def set_up(level: str) -> None:
    """The least level to log; what our modules and Gunicorn tell `logging` becomes such lines too."""
    _LEVEL["least"] = getattr(logging, level.upper())
    for name in ("service", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_JsonLines()], False
        logger.setLevel(_LEVEL["least"])


def log(level: str, event: str, **fields: Any) -> None:
    """One line, in one write, so that processes do not cut into each other's."""
    if getattr(logging, level.upper()) < _LEVEL["least"]:
        return
    line = {"at": _now(), "level": level, "event": event, "pid": os.getpid(), **fields}
    # A full disk or a reader that left costs the line, never the request that it tells of.
    with contextlib.suppress(OSError):
        os.write(1, msgspec.json.encode(line) + b"\n")


def _now() -> str:
    moment = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment * 1000) % 1000:03d}Z"


def log_request(
    sample: float, environ: dict[str, Any], status: str, request_id: str, started: float
) -> None:
    """Errors always; of successes, the share `sample`."""
    bad = status >= "4"
    if not bad and random.random() >= sample:
        return
    log(
        "error" if status >= "5" else "warning" if bad else "info",
        "request",
        request_id=request_id,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"][:200].encode("utf-8", "replace").decode(),
        status=int(status[:3]),
        ms=round((time.perf_counter() - started) * 1000, 3),
        client=environ.get("REMOTE_ADDR", ""),
    )


def log_failure(request_id: str, error: BaseException) -> None:
    trace = "".join(traceback.format_exception(error))
    log("error", "failure", request_id=request_id, trace=trace.encode("utf-8", "replace").decode())


class _JsonLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        trace = (
            {"trace": "".join(traceback.format_exception(*record.exc_info))}
            if record.exc_info
            else {}
        )
        log(
            record.levelname.lower().replace("critical", "error"),
            "server",
            message=record.getMessage(),
            **trace,
        )
