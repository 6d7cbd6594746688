"""Ends the processes of a build as Jenkins does: those with a cookie in their environment, and their children."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.machine import Late, started, wait_until

#: Seconds that Jenkins gives to each process, one after the other.
PATIENCE = 5.0


def kill(name: str, value: str) -> list[int]:
    """All processes that carry the cookie, at this moment; their numbers, for a test to look at."""
    marked = f"{name}={value}".encode()
    children = _children()
    bearers = [pid for pid in sorted(children) if marked in _environ(pid).split(b"\0")]
    ended: list[int] = []
    for pid in bearers:
        _with_children(pid, children, ended)
    return ended


def _children() -> dict[int, list[int]]:
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    return {pid: [child for child, parent in parents.items() if parent == pid] for pid in parents}


def _parent(path: Path) -> int:
    with suppress(OSError):
        return int((path / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return 0


def _environ(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def _with_children(pid: int, children: dict[int, list[int]], ended: list[int]) -> None:
    for child in children.get(pid, []):
        _with_children(child, children, ended)
    if pid not in ended:
        ended.append(pid)
        _end(pid)


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: not started(pid), "it ends", PATIENCE)
        except Late:
            os.kill(pid, signal.SIGKILL)
