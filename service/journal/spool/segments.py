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

from service.journal.spool.counters import Counters
from service.journal.spool.frames import START, Frame, Record, Source, pack_mark, unpack_mark, walk

LOG = logging.getLogger(__name__)

SUFFIX = ".seg"
#: A file's name while it is being made; one that was left behind is removed at this age in seconds.
UNNAMED = ".new"
UNNAMED_AGE = 60.0
#: The kernel's `struct flock`: the first byte, for writing. The lock belongs to the open file and
#: not to the process: threads exclude each other, and closing another handle does not undo it.
_FIRST_BYTE = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
_RECORD = msgspec.msgpack.Decoder(Record)
_SOURCE = msgspec.msgpack.Decoder(Source)


def segments(folder: Path) -> list[Path]:
    """Oldest first: names begin with the time at which they were made."""
    return sorted(folder.glob("*" + SUFFIX))


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
        found = list(walk(data, start, final and len(data) == left))
        if found or limit >= left:
            return found
        return self.frames(start, left, final)

    def mark(self, shipped: int) -> None:
        os.pwrite(self._file, pack_mark(shipped), 0)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def read_source(payload: bytes) -> Source:
    return _SOURCE.decode(payload)


def read_record(payload: bytes) -> Record:
    return _RECORD.decode(payload)


class Waiting(NamedTuple):
    """A record that is spooled and not yet in the database."""

    model: str
    rows: int
    record: Record


def waiting(folder: Path) -> Iterator[Waiting]:
    """Everything unshipped, as it was at some moment since the call."""
    for path in segments(folder):
        try:
            with Segment(path) as segment:
                yield from _waiting_in(segment)
        except FileNotFoundError:
            continue


def _waiting_in(segment: Segment) -> Iterator[Waiting]:
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
                yield Waiting(models[record.source], frame.rows, record)


class Stats(NamedTuple):
    """`lag` is the age in seconds of the oldest prediction not in the database; 0 when all are.

    `dropped` counts predictions by reason: `shed` (the spool's bound), `unwritable` (the spool
    could not be written), `damaged` (frames that a crash or the disk spoiled), `refused` (by the
    database), `expired` (shipped later than the retention). `last_loss` is when one of the first four was
    last counted, in Unix seconds; 0 for never.
    """

    lag: float
    spool_bytes: int
    shipped: int
    dropped: dict[str, int]
    last_loss: float


def stats(folder: Path) -> Stats:
    """Cheap enough for each scrape: one small read a file."""
    counters = Counters(folder)
    counts = counters.read()
    size, oldest = 0, None
    for path in segments(folder):
        try:
            with Segment(path) as segment:
                size += segment.size
                moment = _first_moment(segment)
        except FileNotFoundError:
            continue
        if moment is not None and (oldest is None or moment < oldest):
            oldest = moment
    lag = 0.0 if oldest is None else max(0.0, time.time() - oldest)
    return Stats(lag, size, counts.pop("shipped"), counts, counters.last_loss())


def _first_moment(segment: Segment) -> float | None:
    position = segment.shipped
    while frames := segment.frames(position, 4096, final=False):
        for frame in frames:
            if frame.rows and frame.payload is not None:
                return read_record(frame.payload).at
        position = frames[-1].end
    return None


def remove_unnamed(folder: Path) -> None:
    """Files whose worker was killed while it made them; nothing is in them."""
    for path in folder.glob("*" + UNNAMED):
        if time.time() - path.stat().st_mtime > UNNAMED_AGE:
            path.unlink(missing_ok=True)


def make_room(folder: Path, limit: int, segment_size: int) -> bool:
    """Shed the oldest files until one more fits below `limit`; False when the rest is in use.

    A file that its worker still writes to counts as full, so that the bound holds when all have
    grown.
    """
    total = segment_size
    closed: list[tuple[Path, int]] = []
    for path in segments(folder):
        try:
            with Segment(path) as segment:
                if segment.closed():
                    closed.append((path, segment.size))
                    total += segment.size
                else:
                    total += max(segment.size, segment_size)
        except FileNotFoundError:
            continue
    for path, size in closed:
        if total <= limit:
            break
        if _shed(path, folder):
            total -= size
    return total <= limit


def _shed(path: Path, folder: Path) -> bool:
    try:
        with Segment(path) as segment:
            if not segment.claim():
                return False
            frames = segment.frames(segment.shipped, segment.size, final=True)
            rows = sum(frame.rows for frame in frames)
            segment.remove()
    except FileNotFoundError:
        return True
    Counters(folder).add("shed", rows)
    LOG.warning(
        "journal: the spool reached its bound; shed its oldest %d predictions in %s;"
        " bring the database back, or raise JOURNAL_SPOOL_MB",
        rows,
        path.name,
    )
    return True
