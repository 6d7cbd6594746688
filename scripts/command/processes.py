"""The identity of a process: its number, with its start and its machine, so that no other process is taken for it."""

from __future__ import annotations

import os
from pathlib import Path


def identity(pid: int) -> str:
    """What a process of this machine is called: place, number, start."""
    return f"{_place()} {pid} {_started(pid)}"


def ended(process: str) -> bool:
    """Whether it is known to be gone: it ran here, and there is no such process any more."""
    place, pid, started = _parts(process)
    return bool(place) and place == _place() and _started(int(pid)) != started


def running_here(process: str) -> int | None:
    """The number of a process that runs here and can be sent a signal."""
    place, pid, started = _parts(process)
    here = bool(place) and place == _place() and bool(started) and _started(int(pid)) == started
    return int(pid) if here else None


def _parts(process: str) -> tuple[str, str, str]:
    place, pid, started = (process.split(" ") + ["", "", ""])[:3]
    return place, pid, started


def _place() -> str:
    """This machine since its start, and this container: within it a number means one process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began, in the kernel's own count; empty where there is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]
