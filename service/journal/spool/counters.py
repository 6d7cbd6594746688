"""What the journal counts over restarts, in one small file that all processes of a spool share."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

from service.journal.spool.segments import Segment, open_segments, read_record

#: `shipped` rows are in the database. The others are why predictions are not: see `Stats.dropped`.
NAMES = ("shipped", "shed", "unwritable", "damaged", "refused", "expired")
#: Predictions that should have reached the database and never will.
LOSSES = frozenset(("shed", "unwritable", "damaged", "refused"))
#: The counts, and when the last loss was counted, in Unix seconds.
_CONTENT = struct.Struct(f"<{len(NAMES)}Qd")


class Counters:
    """Written in place, so that counting works on a full disk too."""

    def __init__(self, folder: Path):
        self._path = folder / "counters"

    def add(self, name: str, amount: int) -> None:
        if not amount:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            *counts, last_loss = _unpack(os.pread(file, _CONTENT.size, 0))
            counts[NAMES.index(name)] += amount
            if name in LOSSES:
                last_loss = time.time()
            os.pwrite(file, _CONTENT.pack(*counts, last_loss), 0)
        finally:
            os.close(file)

    def last_loss(self) -> float:
        """When a loss was last counted, in Unix seconds; 0 for never."""
        return float(self._read()[-1])

    def read(self) -> dict[str, int]:
        return dict(zip(NAMES, self._read()[:-1], strict=True))

    def _read(self) -> tuple[Any, ...]:
        try:
            return _unpack(self._path.read_bytes())
        except FileNotFoundError:
            return _unpack(b"")


def _unpack(content: bytes) -> tuple[Any, ...]:
    """What was never written is zero: a release of before knows no last loss."""
    return _CONTENT.unpack_from(content.ljust(_CONTENT.size, b"\0"))


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
    for segment in open_segments(folder):
        size += segment.size
        moment = _first_moment(segment)
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
