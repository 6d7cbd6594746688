"""`run_both`: the process that judges and the one that shows, each started again when it dies, both ended together.

Pages and numbers stay while the other one is ended for want of memory; `last_success` then says for how long.
"""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404 # starts our own processes
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType

from service.process.logs import log

VERBS = ("judge", "show")
STOP_SECONDS = 15.0
#: The first wait before a new start, doubled by each one that did not last for so long.
WAIT_SECONDS, LONGEST_WAIT, LASTING_SECONDS = 1.0, 60.0, 120.0


class _Child:
    """A verb of `python -m monitoring` as a process of its own. Its standard input ends with this process."""

    def __init__(self, verb: str, environ: Mapping[str, str]):
        self.verb = verb
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._due, self._wait, self._began = 0.0, WAIT_SECONDS, 0.0

    def keep_running(self) -> None:
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            code, self._process = self._process.returncode, None
            self._wait = WAIT_SECONDS if now - self._began > LASTING_SECONDS else self._wait
            self._due, self._wait = now + self._wait, min(2 * self._wait, LONGEST_WAIT)
            message = f"`{self.verb}` ended with {code}; it is started again"
            log("error", "process-ended", message=message, verb=self.verb, code=code)
        if self._process is None and now >= self._due:
            self._began = now
            command = [sys.executable, "-m", "monitoring", self.verb, "--supervised"]
            # A session of its own: Ctrl-C reaches the supervisor alone, which then ends both in good order.
            self._process = subprocess.Popen(  # nosec B603 # pylint: disable=consider-using-with
                command, env=self._environ, stdin=subprocess.PIPE, start_new_session=True
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def run_both(environ: Mapping[str, str]) -> None:
    """Until it is told to end."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    children = [_Child(verb, environ) for verb in VERBS]
    try:
        while not stop.is_set():
            for child in children:
                child.keep_running()
            stop.wait(0.5)
    finally:
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            child.stop()
        for child in children:
            child.wait(deadline)


def end_with_parent() -> None:
    """In a child: ends this process when the supervisor has ended, however that was."""

    def watch() -> None:
        # Nothing is ever written: it reads the end. Half a judgement is none, so no word is needed.
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
