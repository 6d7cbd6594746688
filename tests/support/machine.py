"""What tests ask of this machine: a cache, a free port, a condition that comes true in time, when a process started."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: Below those that Linux gives out by itself.
PORTS = range(15_000, 32_000)


class Late(AssertionError):
    """A condition did not come true in time."""


def cache() -> Path:
    """Where what takes long to make is kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "swarmline"


def free_port(host: str = "127.0.0.1") -> int:
    """Of this address: what listens on another may have the same.

    It is bound later, by a process that has yet to start. So it is none of those that the system gives to callers and
    to who binds to port 0, and another one each time; processes that test side by side begin at different ones.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port


def _round() -> Iterator[int]:
    first = random.SystemRandom().choice(PORTS)
    return itertools.cycle([*range(first, PORTS.stop), *range(PORTS.start, first)])


_PORTS = _round()


def wait_until(
    condition: Callable[[], Any], what: str, seconds: float = 60, step: float = 0.05
) -> Any:
    """What the condition says once it is true; `what` names it when it does not become true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Late(f"not within {seconds:g} s: {what}")
        time.sleep(step)
    return value


def started(pid: int) -> str:
    """When a process started; empty where it has ended, even if its parent has yet to take notice."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
