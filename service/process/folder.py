"""The folder of what the workers share in files: one a start, and none outlives its service for long."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

#: In memory, where there is such a place.
PLACE = Path("/dev/shm")  # nosec B108
PREFIX = "swarmline-metrics-"
#: Locked for as long as a process of the service lives, however it ends. Pids would not tell:
#: containers that share the place have the same ones.
OWNER = "owner"


def shared_folder() -> Path:
    """Fresh at each start, gone at the end; those that killed services left behind go first."""
    place = PLACE if os.access(PLACE, os.W_OK) else Path(tempfile.gettempdir())
    remove_abandoned(place)
    folder, lock = _make(place)
    owner = os.getpid()

    def remove() -> None:
        # Workers and the shipper are forks: the lock is theirs as well, and the end is not.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    atexit.register(remove)
    return folder


def _make(place: Path) -> tuple[Path, int]:
    """A folder, and the open lock in it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        lock = os.open(folder / OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Between the two lines above, another start may have taken it for abandoned.
        if os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)


def remove_abandoned(place: Path) -> None:
    for path in place.glob(f"{PREFIX}*/{OWNER}"):
        # Somebody else's, or gone meanwhile.
        with contextlib.suppress(OSError):
            _remove_if_free(path)


def _remove_if_free(path: Path) -> None:
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path.parent, ignore_errors=True)
    finally:
        os.close(lock)
