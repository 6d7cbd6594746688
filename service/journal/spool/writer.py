"""A worker's end of the spool: one file at a time, that it alone appends to.

What `append` returned from survives the death of the worker and of all others, since the kernel has
it. It does not survive a power cut: nothing is synced to the disk, for that would cost each
prediction milliseconds.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import weakref
from pathlib import Path

from service.journal.spool.frames import START, pack_mark
from service.journal.spool.room import make_room
from service.journal.spool.segments import SUFFIX, UNNAMED


class Spool:
    """Safe between threads; after a fork the child goes on in a file of its own."""

    def __init__(self, folder: Path, limit: int, segment_size: int):
        self._folder = folder
        self._limit = limit
        self._segment_size = segment_size
        self._lock = threading.Lock()
        self._file = -1
        self._size = 0
        self._sources: set[int] = set()
        alive = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget(alive()))

    def append(self, number: int, source: bytes, frame: bytes) -> None:
        """One write, with the source if the file has not had it. OSError leaves the file as it was."""
        with self._lock:
            if number not in self._sources or self._size + len(frame) > self._segment_size:
                frame = self._prepare(number, source, frame)
            try:
                written = os.write(self._file, frame)
            except OSError:
                self._sources.clear()
                raise
            if written != len(frame):
                self._undo()
            self._size += written

    def _prepare(self, number: int, source: bytes, frame: bytes) -> bytes:
        if self._file < 0 or self._size + len(source) + len(frame) > self._segment_size:
            self._roll(len(source) + len(frame))
        if number in self._sources:
            return frame
        self._sources.add(number)
        return source + frame

    def _undo(self) -> None:
        """A full disk took a part of a frame: take it back, or leave the file to the shipper."""
        try:
            os.ftruncate(self._file, self._size)
            self._sources.clear()
        except OSError:
            self._close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))

    def _roll(self, size: int) -> None:
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not make_room(self._folder, self._limit, max(size, self._segment_size)):
            raise OSError(errno.EDQUOT, "the spool is full of files in use", str(self._folder))
        self._file = _create(self._folder)
        self._size = START

    def _close(self) -> None:
        file, self._file = self._file, -1
        self._sources.clear()
        if file >= 0:
            os.close(file)

    def close(self) -> None:
        with self._lock:
            self._close()

    def forget(self) -> None:
        """In a forked child: the file and its lock stay the parent's."""
        self._lock = threading.Lock()
        self._close()


def _forget(spool: Spool | None) -> None:
    if spool is not None:
        spool.forget()


def _create(folder: Path) -> int:
    """A file that is locked before it has a name that the shipper looks at."""
    name = f"{time.time_ns() // 1000:014x}{os.urandom(5).hex()}"
    unnamed = folder / (name + UNNAMED)
    file = os.open(
        unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.write(file, pack_mark(START)) != START:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        unnamed.rename(folder / (name + SUFFIX))
    except OSError:
        os.close(file)
        unnamed.unlink(missing_ok=True)
        raise
    return file
