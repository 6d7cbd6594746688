"""Structured logs: one JSON line a request, on standard output, in ECS. Never a body, never a key."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
import traceback
from typing import Any

import msgspec

ECS_VERSION = "9.4.0"
#: Our words for a line's fields, and their names in ECS; tests hold these against its published list. What is not here
#: stands below `swarmline.`, where no name of ECS can ever be.
ECS_NAMES = {
    "client": "client.address",
    "duration": "event.duration",
    "exception": "error.stack_trace",
    "logger": "log.logger",
    "message": "message",
    "method": "http.request.method",
    "outcome": "event.outcome",
    "path": "url.path",
    "reason": "event.reason",
    "request_id": "http.request.id",
    "status": "http.response.status_code",
    "trace_id": "trace.id",
}
_LEVEL = {"least": logging.INFO}
#: The same in each line of this process.
_SAME: dict[str, Any] = {"ecs.version": ECS_VERSION, "service.name": "swarmline"}


def set_up(level: str, release: str = "", service: str = "swarmline") -> None:
    """The least level to log, and who logs; what our modules and Gunicorn tell `logging` becomes such lines too."""
    _LEVEL["least"] = getattr(logging, level.upper())
    _SAME["service.name"] = service
    if release:
        _SAME["service.version"] = release
    for name in ("service", "monitoring", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_JsonLines()], False
        logger.setLevel(_LEVEL["least"])


def log(level: str, event: str, **fields: Any) -> None:
    """One line, in one write, so that processes do not cut into each other's. A field that is None is left out."""
    if getattr(logging, level.upper()) < _LEVEL["least"]:
        return
    # Names with dots, not objects: Elasticsearch takes both, and `event` is an object there, never a word.
    line = {
        "@timestamp": _now(),
        "log.level": level,
        "message": event,
        "event.action": event,
        **_SAME,
        "process.pid": os.getpid(),
    }
    for name, value in fields.items():
        if value is not None:
            line[ECS_NAMES.get(name) or f"swarmline.{name}"] = value
    # A full disk or a reader that left costs the line, never the request that it tells of.
    with contextlib.suppress(OSError):
        os.write(1, msgspec.json.encode(line) + b"\n")


def _now() -> str:
    moment = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment * 1000) % 1000:03d}Z"


def log_request(
    sample: float,
    environ: dict[str, Any],
    status: str,
    ids: tuple[str, str | None],
    started: float,
) -> None:
    """Errors always; of successes, the share `sample`. `ids` are the request's and its trace's."""
    bad = status >= "4"
    if not bad and random.random() >= sample:
        return
    request_id, trace_id = ids
    method = environ["REQUEST_METHOD"]
    path = environ["PATH_INFO"][:200].encode("utf-8", "replace").decode()
    log(
        "error" if status >= "5" else "warning" if bad else "info",
        "request",
        message=f"{method} {path}: {status}",
        request_id=request_id,
        trace_id=trace_id,
        method=method,
        path=path,
        status=int(status[:3]),
        outcome="failure" if bad else "success",
        # In nanoseconds.
        duration=int((time.perf_counter() - started) * 1e9),
        client=environ.get("REMOTE_ADDR") or None,
    )


def log_failure(request_id: str, error: BaseException, trace_id: str | None = None) -> None:
    words = "".join(traceback.format_exception(error))
    log(
        "error",
        "failure",
        message=f"{type(error).__name__} in a request" if request_id else type(error).__name__,
        request_id=request_id or None,
        trace_id=trace_id,
        exception=words.encode("utf-8", "replace").decode(),
    )


class _JsonLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        words = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None
        log(
            record.levelname.lower().replace("critical", "error"),
            "server",
            message=record.getMessage(),
            logger=record.name,
            exception=words,
        )
