"""What the journal counts over restarts, in one small file that all processes of a spool share."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import NamedTuple

from service.journal.spool.segments import Segment, read_record, segments

#: `shipped` rows are in the database. The others are why predictions are not: see `Stats.dropped`.
NAMES = ("shipped", "shed", "unwritable", "damaged", "refused", "expired")
#: Predictions that should have reached the database and never will.
LOSSES = frozenset(("shed", "unwritable", "damaged", "refused"))
_SLOTS = struct.Struct(f"<{len(NAMES)}Q")
#: Behind the counts stands when the last loss was counted, in Unix seconds.
_MOMENT = struct.Struct("<d")


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
            counts = list(_read(file))
            counts[NAMES.index(name)] += amount
            os.pwrite(file, _SLOTS.pack(*counts), 0)
            if name in LOSSES:
                os.pwrite(file, _MOMENT.pack(time.time()), _SLOTS.size)
        finally:
            os.close(file)

    def last_loss(self) -> float:
        """When a loss was last counted, in Unix seconds; 0 for never."""
        try:
            with self._path.open("rb") as file:
                moment = os.pread(file.fileno(), _MOMENT.size, _SLOTS.size)
        except FileNotFoundError:
            return 0.0
        return float(_MOMENT.unpack(moment)[0]) if len(moment) == _MOMENT.size else 0.0

    def read(self) -> dict[str, int]:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return dict.fromkeys(NAMES, 0)
        try:
            return dict(zip(NAMES, _read(file), strict=True))
        finally:
            os.close(file)


def _read(file: int) -> tuple[int, ...]:
    return _SLOTS.unpack(os.pread(file, _SLOTS.size, 0).ljust(_SLOTS.size, b"\0"))


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
