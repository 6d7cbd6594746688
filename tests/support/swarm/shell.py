"""Commands, and processes that are known by more than a number."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.machine import started, wait_until


class SwarmError(Exception):
    """A command of the test machine failed."""


def run(
    *command: str | Path, stdin: str | None = None, seconds: float = 300, both: bool = False
) -> str:
    """What the command printed, on both streams where `both` are wanted; its own words when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SwarmError(f"`{' '.join(words)}` did not end within {seconds:g} s") from error
    if done.returncode:
        raise SwarmError(f"`{' '.join(words)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout + (done.stderr if both else "")


def succeeds(*command: str | Path) -> bool:
    try:
        run(*command)
    except SwarmError:
        return False
    return True


@dataclass(frozen=True)
class Process:
    """Numbers are used again: a process is its number and the moment it started."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, _started(pid))

    @classmethod
    def read(cls, file: Path) -> Process | None:
        if not file.exists():
            return None
        pid, _, started = file.read_text(encoding="ascii").partition(" ")
        return cls(int(pid), started)

    def write(self, file: Path) -> None:
        file.write_text(f"{self.pid} {self.started}", encoding="ascii")

    @property
    def is_alive(self) -> bool:
        return bool(self.started) and _started(self.pid) == self.started

    def end(self, number: signal.Signals = signal.SIGKILL, seconds: float = 20) -> None:
        if self.is_alive:
            os.kill(self.pid, number)
            wait_until(lambda: not self.is_alive, f"process {self.pid} ends", seconds)


def _started(pid: int) -> str:
    """Empty when there is none; a child of ours that has ended is taken notice of."""
    at = started(pid)
    if not at:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return at


def start(file: Path, log: Path, *command: str | Path, path: str | None = None) -> Process:
    """Starts a process that outlives us, and writes who it is into a file."""
    environ = {**os.environ, **({"PATH": path} if path else {})}
    words = [str(word) for word in command]
    program = shutil.which(words[0], path=environ["PATH"])
    if program is None:
        raise SwarmError(f"there is no program {words[0]}")
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    process = Process.of(os.posix_spawn(program, words, environ, file_actions=files, setsid=True))
    process.write(file)
    return process


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise SwarmError(f"{folder} cannot be removed")
