"""The service as a process of its own, the keys that it knows, and waiting for what it does."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.support.machine import wait_until

ROOT = Path(__file__).parents[3]
#: More than the service gives its requests and its journal together.
STOP_SECONDS = 60.0
ENVIRON = {
    "PATH": os.environ["PATH"],
    "TMPDIR": tempfile.gettempdir(),
    "PYTHONFAULTHANDLER": "1",
}
KEYS = {
    "caller": "predict",
    "teller": "truth",
    "boss": "predict,truth,admin",
    "narrow": "predict",
    "keeper": "admin",
}


def key_lines() -> str:
    lines = [
        f"{name}:{scopes}:{hashlib.sha256(name.encode()).hexdigest()}"
        for name, scopes in KEYS.items()
    ]
    return "\n".join(
        line + (":yield-prediction" if line.startswith("narrow") else "") for line in lines
    )


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    return wait_until(condition, str(condition), seconds, 0.02)


class Server:
    """`python -m service`, or a module that starts it otherwise, as a process of its own."""

    def __init__(self, environ: dict[str, str], log: Path, *module: str):
        self.url = "http://" + environ["BIND"]
        self.port = int(environ["BIND"].rpartition(":")[2])
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(module or ("service",))],
                cwd=ROOT,
                env=ENVIRON | environ,
                stdout=output,
                stderr=output,
            )

    @property
    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        # Not just a connection: the socket is open before anything looks after it, signals too.
        try:
            return requests.get(self.url + "/health/live", timeout=5).ok
        except requests.RequestException:
            return False

    @property
    def workers(self) -> list[int]:
        """The pids of its workers: children with a heartbeat of their own, the shipper has none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._abort()
        return self.process.wait(10)

    def _abort(self) -> None:
        """Each of its processes writes to the log where it hangs, and ends."""
        for pid in (*self.workers, self.process.pid):
            os.kill(pid, signal.SIGABRT)
