"""The process beside the workers that ships the journal, and a parent of its own that starts it again when it dies.

Both end once nobody is left who could write to the journal: master and workers hold a pipe open, and its end is the
word to stop, however they ended. So what the last worker answered is shipped, too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from service.process.logs import log_failure

Ship = Callable[[threading.Event], None]
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0


class Supervisor:
    """Started before Gunicorn, so that neither process holds its sockets. `ship` runs until its event is set."""

    def __init__(self, ship: Ship):
        end, self._pipe = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            code = 1
            try:
                os.close(self._pipe)
                _supervise(ship, end)
                code = 0
            finally:
                # None of the master's clean-up is ours.
                os._exit(code)  # pylint: disable=protected-access
        os.close(end)

    def stop(self) -> None:
        """Lets it ship what is left, for a while; the spool keeps the rest."""
        os.close(self._pipe)
        deadline = time.monotonic() + STOP_SECONDS
        while not self._ended():
            if time.monotonic() > deadline:
                os.killpg(self._pid, signal.SIGKILL)
                return
            time.sleep(0.02)

    def _ended(self) -> bool:
        try:
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            # Gunicorn's master reaps all its children, and was first.
            return True


def _supervise(ship: Ship, end: int) -> None:
    """In the new process: the shipper, again and again, until one ends because it was told to."""
    # A group of their own: what is sent to the service's group, as by Ctrl-C, is not for them.
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        child = os.fork()
        if not child:
            _ship(ship, end)
        if os.waitpid(child, 0)[1] == 0:
            return
        time.sleep(RESTART_SECONDS)


def _ship(ship: Ship, end: int) -> NoReturn:
    stop = threading.Event()

    def await_end() -> None:
        os.read(end, 1)
        stop.set()

    code = 1
    try:
        threading.Thread(target=await_end, daemon=True).start()
        ship(stop)
        code = 0
    # A forked child has no one above it who logs: without this its end would go unseen.
    except Exception as error:  # pylint: disable=broad-exception-caught
        log_failure("", error)
    finally:
        os._exit(code)  # pylint: disable=protected-access
