"""Processes that a test starts: each ended with all that it started, and waited for by what it shows."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.support import machine

#: Longer than anything here takes on a busy machine; a test that waits as long fails.
PATIENCE = 600.0


class Done(NamedTuple):
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@contextlib.contextmanager
def spawned(
    command: list[str], folder: Path, environment: dict[str, str], **where: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process and all that it starts, ended by the group that it leads."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **where}
    # The child does nothing else before it becomes the command.
    # pylint: disable-next=subprocess-popen-preexec-fn
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
        **pipes,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _heed_interrupts() -> None:
    """As a terminal starts it: what a script runs in the background is told to ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


wait_until = functools.partial(machine.wait_until, seconds=PATIENCE)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    # Also where it listens and does not answer yet.
    except (requests.ConnectionError, requests.Timeout):
        return False
