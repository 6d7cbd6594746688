"""The spool's files as seen by those who ship, shed and count.

A worker holds a file's `flock` while it writes to it; the kernel lets go of it however the worker
ends, so a file whose lock is free is complete. Whoever ships or sheds one holds a second lock, on
its first byte, so that no prediction is both stored and counted as shed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from service.journal.spool.frames import START, Frame, Record, Source, pack_mark, unpack_mark, walk

LOG = logging.getLogger(__name__)

SUFFIX = ".seg"
#: A damaged file's second name, for somebody to look why; of many the newest few are kept.
ASIDE = ".bad"
MOST_ASIDE = 8
#: A file's name while it is being made; one that was left behind is removed at this age in seconds.
UNNAMED = ".new"
UNNAMED_AGE = 60.0
#: The kernel's `struct flock`: the first byte, for writing. The lock belongs to the open file and
#: not to the process: threads exclude each other, and closing another handle does not undo it.
_FIRST_BYTE = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
read_record = msgspec.msgpack.Decoder(Record).decode
read_source = msgspec.msgpack.Decoder(Source).decode


def segments(folder: Path) -> list[Path]:
    """Oldest first: names begin with the time at which they were made."""
    return sorted(folder.glob("*" + SUFFIX))


def open_segments(folder: Path) -> Iterator[Segment]:
    """Each in turn, oldest first, without those that somebody was done with meanwhile."""
    for path in segments(folder):
        try:
            segment = Segment(path)
        except FileNotFoundError:
            continue
        with segment:
            yield segment


class Segment:
    """One spool file, open to be read; FileNotFoundError when somebody was done with it first."""

    def __init__(self, path: Path):
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    @property
    def identity(self) -> str:
        return self.path.name.removesuffix(SUFFIX)

    @property
    def size(self) -> int:
        return os.fstat(self._file).st_size

    @property
    def shipped(self) -> int:
        return unpack_mark(os.pread(self._file, START, 0))

    def claim(self) -> bool:
        """True when nobody else ships or sheds it. The claim ends with this object."""
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _FIRST_BYTE)
        except BlockingIOError:
            return False
        return os.fstat(self._file).st_nlink > 0

    def closed(self) -> bool:
        """True when its worker rolled on or died: nothing will be added."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def frames(self, start: int, limit: int, final: bool) -> list[Frame]:
        """The frames from `start` that `limit` bytes hold, but one at least if there is one."""
        left = self.size - start
        if left <= 0:
            return []
        data = os.pread(self._file, min(left, limit), start)
        frames = list(walk(data, start, final and len(data) == left))
        if frames or limit >= left:
            return frames
        return self.frames(start, left, final)

    def mark(self, shipped: int) -> None:
        os.pwrite(self._file, pack_mark(shipped), 0)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Gives the file a second name that stays when it is removed."""
        aside = self.path.with_suffix(ASIDE)
        try:
            os.link(self.path, aside)
        except FileExistsError:
            return
        except OSError as error:
            LOG.error("journal: %s is damaged and cannot be kept (%s)", self.path, error)
            return
        LOG.error("journal: %s is damaged; see why, and remove it", aside)
        for path in sorted(self.path.parent.glob("*" + ASIDE))[:-MOST_ASIDE]:
            path.unlink(missing_ok=True)


class UnshippedRecord(NamedTuple):
    """A record that is spooled and not yet in the database."""

    model: str
    rows: int
    record: Record


def unshipped(folder: Path) -> Iterator[UnshippedRecord]:
    """Everything unshipped, as it was at some moment since the call."""
    for segment in open_segments(folder):
        yield from _unshipped_in(segment)


def _unshipped_in(segment: Segment) -> Iterator[UnshippedRecord]:
    models: dict[int, str] = {}
    shipped = segment.shipped
    for frame in segment.frames(START, segment.size, final=False):
        if frame.payload is None:
            continue
        if not frame.rows:
            source = read_source(frame.payload)
            models[source.number] = source.model
        elif frame.start >= shipped:
            record = read_record(frame.payload)
            if record.source in models:
                yield UnshippedRecord(models[record.source], frame.rows, record)


def remove_unnamed(folder: Path) -> None:
    """Files whose worker was killed while it made them; nothing is in them."""
    for path in folder.glob("*" + UNNAMED):
        if time.time() - path.stat().st_mtime > UNNAMED_AGE:
            path.unlink(missing_ok=True)


def remove_set_aside(folder: Path, retention_days: int) -> None:
    """Damaged files as old as predictions may be: they hold some. 0: for ever."""
    for path in folder.glob("*" + ASIDE):
        if retention_days and time.time() - path.stat().st_mtime > 86400 * retention_days:
            path.unlink(missing_ok=True)
