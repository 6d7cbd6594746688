"""Gunicorn, as this service wants it: its settings, and a master that is not ready before it stops."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from service.process.gthread import Worker
from service.process.state import State
from service.settings import Settings

SHARED_MEMORY = Path("/dev/shm")  # nosec B108 # a heartbeat on a slow disk stalls workers
KEEPALIVE = 75


def options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings; the benchmark starts its empty Flask view under the same."""
    return {
        "bind": str(settings.bind),
        "workers": settings.workers,
        "worker_class": Worker,
        "threads": settings.threads + settings.streams,
        "preload_app": True,
        "keepalive": KEEPALIVE,
        "timeout": 60,
        "graceful_timeout": int(settings.grace_seconds),
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        "control_socket_disable": True,
        "backlog": 1024,
        "limit_request_line": 4094,
        "limit_request_fields": 50,
        "loglevel": settings.log_level,
        "logger_class": "service.process.logs.ServerLog",
    }


class Master(Arbiter):  # type: ignore[misc]
    """Turns not ready before it stops, and looks after the shipper as after its workers."""

    def __init__(self, app: Application):
        self._stop_at: float | None = None
        self._shipper = app.shipper
        super().__init__(app)

    def handle_term(self) -> None:
        if self._stop_at is not None:
            raise StopIteration
        self.app.state.drain()
        self._stop_at = time.monotonic() + self.app.settings.drain_seconds

    def wait_for_signals(self, timeout: float = 1.0) -> Any:
        if self._stop_at is not None:
            timeout = max(0.0, min(timeout, self._stop_at - time.monotonic()))
        return super().wait_for_signals(timeout)

    def manage_workers(self) -> None:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            raise StopIteration
        super().manage_workers()
        if self._shipper is not None:
            self._shipper.keep_alive(self.LISTENERS)

    def stop(self, graceful: bool = True) -> None:
        super().stop(graceful)
        if self._shipper is not None:
            self._shipper.stop()


class Application(BaseApplication):  # type: ignore[misc]  # pylint: disable=abstract-method
    """Any WSGI callable, under our settings; `quick` tells which requests (`POST /x`) wait for nobody."""

    def __init__(
        self,
        wsgi: Any,
        quick: Callable[[str], bool],
        settings: Settings,
        state: State,
        shipper: Any = None,
        **more: Any,
    ):
        self.callable_made, self.settings, self.state = wsgi, settings, state
        self._quick = quick
        self.shipper = shipper
        self._options = options(settings) | more
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if value is not None:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return self.callable_made

    def run(self) -> None:
        Worker.state, Worker.read_timeout = self.state, self.settings.read_timeout
        Worker.max_body, Worker.most_held = self.settings.max_body, 8 * self.settings.max_body
        Worker.quick = staticmethod(self._quick)
        Master(self).run()
