"""Gunicorn's settings and hooks, all of them documented: slots, the drain before a stop, and the end."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gunicorn.app.base import BaseApplication

from service.process import metrics
from service.process.logs import log
from service.process.request_reader import Limits
from service.process.state import State, WorkerHandle
from service.process.supervisor import Supervisor
from service.process.worker import Poller
from service.settings import Settings

SHARED_MEMORY = Path("/dev/shm")  # nosec B108 # a heartbeat on a slow disk stalls workers
KEEPALIVE = 75
#: Of a process: a worker has up to a thousand connections, and files besides, and Docker's usual limit is 1,024.
DESCRIPTORS = 4096
#: What `WORKER=gthread` does without; docs/serving.md says more of each.
GIVEN_UP = (
    "half the speed; READ_TIMEOUT and MAX_WAITING; health checks while all threads are busy; a bound for slow readers"
    " and for long requests on their way; problem documents for unsound HTTP; even connections; and who has just"
    " connected at a stop may be reset"
)


class WorkerLife(NamedTuple):
    """What is to be done in a worker once it is forked, and before it ends."""

    started: Callable[[], None]
    ended: Callable[[], None]


class Application(NamedTuple):
    """What is handed in by who starts the service, since all of it stands above this room."""

    wsgi: Any
    #: Whether a request, such as `POST /x`, waits for nobody.
    answers_at_once: Callable[[str], bool]
    #: What is sent for an error that the application never saw, to a client's address.
    refusal: Callable[[BaseException, str], bytes]
    life: WorkerLife


def serve(
    application: Application, settings: Settings, state: State, supervisor: Supervisor | None
) -> None:
    """Runs Gunicorn, which exits at its end."""
    Poller.state = state
    Poller.answers_at_once = staticmethod(application.answers_at_once)
    Poller.refusal = staticmethod(application.refusal)
    Poller.limits = Limits(settings.read_timeout, settings.max_body, 8 * settings.max_body)
    if settings.worker == "gthread":
        log("warning", "server", message=f"WORKER is gthread, which gives up: {GIVEN_UP}")
    _allow_descriptors()
    hooks = _hooks(application.life, settings, state, supervisor)
    _Gunicorn(application.wsgi, _options(settings) | hooks).run()


def _allow_descriptors() -> None:
    """As many as are needed, or as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bind": str(settings.bind),
        "workers": settings.workers,
        "worker_class": "gthread" if settings.worker == "gthread" else Poller,
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
        # `logs.set_up` has given its logger a handler of ours.
        "errorlog": None,
    }


def _hooks(
    life: WorkerLife, settings: Settings, state: State, supervisor: Supervisor | None
) -> dict[str, Callable[..., None]]:
    slots: dict[Any, int] = {}
    master = os.getpid()

    def when_ready(_master: Any) -> None:
        """TERM turns readiness to 503, and stops Gunicorn once the drain is over; a second one stops at once."""
        stop: Any = signal.getsignal(signal.SIGTERM)

        def drain(_number: int, frame: Any) -> None:
            if os.getpid() != master:
                # A worker that was forked just now, before it has handlers of its own: it has nothing to lose.
                os._exit(0)  # pylint: disable=protected-access
            if state.draining or not settings.drain_seconds:
                state.drain()
                stop(signal.SIGTERM, frame)
            else:
                state.drain()
                signal.setitimer(signal.ITIMER_REAL, settings.drain_seconds)

        signal.signal(signal.SIGTERM, drain)
        signal.signal(signal.SIGALRM, drain)

    def pre_fork(_master: Any, worker: Any) -> None:
        """A successor gets the first slot that is free, so its predecessor's."""
        taken = set(slots.values())
        slots[worker] = next(slot for slot in range(len(taken) + 1) if slot not in taken)

    def post_fork(_master: Any, worker: Any) -> None:
        state.take_slot(slots[worker])
        metrics.take_slot(slots[worker])
        if isinstance(worker, WorkerHandle):
            state.worker = worker
        life.started()

    def pre_request(worker: Any, _request: Any) -> None:
        """While it drains, each answer closes its connection, so that callers go elsewhere."""
        if state.draining and worker.cfg.keepalive:
            worker.cfg.set("keepalive", 0)

    def child_exit(_master: Any, worker: Any) -> None:
        slot = slots.pop(worker)
        metrics.forget_gauges(slot)
        state.clear_slot(slot)

    def worker_exit(_master: Any, _worker: Any) -> None:
        if os.getpid() == master:
            # It says so here, too, of a worker that it did not find.
            return
        try:
            life.ended()
        finally:
            # ONNX Runtime's destructors abort in a process that was forked after it was loaded.
            os._exit(0)  # pylint: disable=protected-access

    def on_exit(_master: Any) -> None:
        if supervisor is not None:
            supervisor.stop()

    hooks = (when_ready, pre_fork, post_fork, pre_request, child_exit, worker_exit, on_exit)
    return {hook.__name__: hook for hook in hooks}


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # pylint: disable=abstract-method
    """Gunicorn's documented way to be started from within a program."""

    def __init__(self, wsgi: Any, options: dict[str, Any]):
        self._wsgi, self._options = wsgi, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._wsgi
