"""What happens around a fork: slots, the journal of each worker, and the shipper beside them."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from service import journal
from service.process import metrics
from service.process.logs import log_failure

if TYPE_CHECKING:
    from service.app import Service

SHIPPER_SECONDS = 5.0


def hooks(app: Service, folder: Path) -> dict[str, Callable[..., None]]:
    """Gunicorn's hooks: each worker has a slot, which its successor inherits."""
    core = app.core

    def post_fork(_master: Any, worker: Any) -> None:
        metrics.take_slot(worker.slot)
        core.state.worker = worker
        if core.settings.journal is not None:
            core.journal = journal.Journal(core.settings.journal, core.contracts())

    def child_exit(_master: Any, worker: Any) -> None:
        metrics.forget_gauges(folder, worker.slot)
        core.state.clear_slot(worker.slot)

    def worker_exit(_master: Any, _worker: Any) -> None:
        core.close()
        # ONNX Runtime's destructors abort in a process that was forked after it was loaded.
        os._exit(0)  # pylint: disable=protected-access

    return {
        "post_fork": post_fork,
        "child_exit": child_exit,
        "worker_exit": worker_exit,
    }


class Shipper:
    """The one process that moves the spool to the database; started anew when it dies."""

    def __init__(self, settings: journal.Settings):
        self._settings = settings
        self._pid = 0
        self._next = 0.0

    def keep_alive(self, listeners: Any) -> None:
        if not self._running() and time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            self._pid = self._fork(listeners)

    def stop(self) -> None:
        """Lets it ship what is left, for a while; the spool keeps the rest."""
        deadline = time.monotonic() + SHIPPER_SECONDS
        self._signal(signal.SIGTERM)
        while self._running() and time.monotonic() < deadline:
            time.sleep(0.02)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._running():
            os.kill(self._pid, number)

    def _running(self) -> bool:
        if not self._pid:
            return False
        try:
            done, _ = os.waitpid(self._pid, os.WNOHANG)
        except OSError as error:
            # The master reaps all its children, and may have been first.
            if error.errno != errno.ECHILD:
                raise
            done = self._pid
        if done:
            self._pid = 0
        return not done

    def _fork(self, listeners: Any) -> int:
        # A TERM waits until the child can heed it: the handler that it has from the master would swallow it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if not pid:
            self._become(listeners)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return pid

    def _become(self, listeners: Any) -> NoReturn:
        """In the new process: ships until it is told to stop, or its parent is gone."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        # Held open here, the port would still take connections that nobody answers.
        for listener in listeners:
            listener.sock.close()
        code = 1
        try:
            code = _ship(self._settings)
        # Nobody else would tell.
        except Exception as error:  # pylint: disable=broad-exception-caught
            log_failure("", error)
        finally:
            # None of the master's clean-up is ours.
            os._exit(code)  # pylint: disable=protected-access


def _ship(settings: journal.Settings) -> int:
    stop, parent = threading.Event(), os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    from service.journal.shipper import ship_forever  # pylint: disable=import-outside-toplevel

    def watch() -> None:
        while not stop.wait(1.0):
            if os.getppid() != parent:
                stop.set()

    threading.Thread(target=watch, daemon=True).start()
    ship_forever(settings, stop)
    return 0
