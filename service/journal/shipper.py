"""Moves the spool to the database, for as long as the service runs.

Rows are committed before the file's mark moves on, and the database takes no row twice: a shipper
killed at any point loses nothing and repeats a batch at most.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from pathlib import Path

import msgspec

from service.journal.counters import Counters
from service.journal.frames import START, Frame, Source
from service.journal.rows import Row, Unreadable, rows_of
from service.journal.segments import Segment, read_record, read_source, remove_unnamed, segments
from service.journal.settings import Settings
from service.journal.store import Store

LOG = logging.getLogger(__name__)

#: Bytes of the spool a transaction.
READ_SIZE = 1 << 18
SWEEP_SECONDS = 3600.0
LONGEST_PAUSE = 30.0
_JITTER = random.SystemRandom()


class Shipper:
    """Several may ship one spool, in containers that share a volume: they share its files out."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._store = Store(settings.url, settings.retention_days)
        self._counters = Counters(settings.spool)
        self._sources: dict[str, dict[int, Source]] = {}
        self._swept: float | None = None
        self._failures = 0

    def close(self) -> None:
        self._store.close()

    def ship_once(self) -> int:
        """One pass over the spool; the number of predictions new in the table."""
        self._keep_house()
        paths = segments(self._settings.spool)
        names = {path.name for path in paths}
        self._sources = {name: known for name, known in self._sources.items() if name in names}
        return sum(self._ship(path) for path in paths)

    def run(self, stop: threading.Event) -> None:
        """Pass after pass until `stop`, then one more for what was spooled last. Never raises."""
        while not stop.wait(self._attempt()):
            pass
        self._attempt()

    def _attempt(self) -> float:
        """One pass; how many seconds to pause after it."""
        try:
            shipped = self.ship_once()
        # It must outlive any trouble.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._failures += 1
            if self._failures == 1:
                LOG.error("journal: predictions wait in the spool: %s", error)
            longest = min(LONGEST_PAUSE, self._settings.poll * 2.0 ** min(self._failures, 16))
            return longest * _JITTER.uniform(0.5, 1.0)
        if self._failures:
            LOG.warning("journal: ships again; caught up with %d predictions", shipped)
        self._failures = 0
        return self._settings.poll

    def _keep_house(self) -> None:
        if self._swept is None:
            for name in self._store.prepare():
                LOG.info("journal: migration %s applied", name)
        elif time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._store.sweep()
        remove_unnamed(self._settings.spool)
        self._swept = time.monotonic()

    def _ship(self, path: Path) -> int:
        try:
            with Segment(path) as segment:
                return self._ship_claimed(segment) if segment.claim() else 0
        except FileNotFoundError:
            return 0

    def _ship_claimed(self, segment: Segment) -> int:
        # Asked before the file is read: what is read of a closed file is all there will be.
        closed = segment.closed()
        position, shipped = segment.shipped, 0
        known = self._known_sources(segment, position)
        while frames := segment.frames(position, READ_SIZE, closed):
            shipped += self._ship_frames(frames, known, segment.identity)
            position = frames[-1].end
            segment.mark(position)
        if closed:
            segment.remove()
        return shipped

    def _known_sources(self, segment: Segment, position: int) -> dict[int, Source]:
        """Sources stand before their records: after a restart, those before the mark are read again."""
        if segment.path.name not in self._sources:
            known: dict[int, Source] = {}
            if position > START:
                for frame in segment.frames(START, position - START, final=False):
                    _learn(frame, known)
            self._sources[segment.path.name] = known
        return self._sources[segment.path.name]

    def _ship_frames(self, frames: list[Frame], known: dict[int, Source], identity: str) -> int:
        rows: list[Row] = []
        damaged = 0
        for frame in frames:
            try:
                if not _learn(frame, known):
                    rows += _read(frame, known, identity)
            except (Unreadable, msgspec.MsgspecError) as error:
                damaged += max(frame.rows, 1)
                LOG.error("journal: skipped a frame of %s at %d: %s", identity, frame.start, error)
        stored = self._store.insert(rows)
        self._counters.add("shipped", stored.new)
        self._counters.add("damaged", damaged)
        self._counters.add("refused", stored.refused)
        self._counters.add("expired", stored.expired)
        if stored.refused:
            LOG.error(
                "journal: the database refused %d predictions of %s", stored.refused, identity
            )
        return stored.new


def _learn(frame: Frame, known: dict[int, Source]) -> bool:
    """True when the frame was a source, which is remembered."""
    if frame.rows or frame.payload is None:
        return False
    source = read_source(frame.payload)
    known[source.number] = source
    return True


def _read(frame: Frame, known: dict[int, Source], identity: str) -> list[Row]:
    if frame.payload is None:
        raise Unreadable("its bytes are not those that were written")
    record = read_record(frame.payload)
    source = known.get(record.source)
    if source is None:
        raise Unreadable(f"source {record.source} is not known")
    return list(rows_of(record, source, frame.rows, f"{identity}-{frame.start:x}"))


def ship_once(settings: Settings) -> int:
    """One pass; raises Unavailable when the database is away."""
    shipper = Shipper(settings)
    try:
        return shipper.ship_once()
    finally:
        shipper.close()


def ship_forever(settings: Settings, stop: threading.Event) -> None:
    shipper = Shipper(settings)
    try:
        shipper.run(stop)
    finally:
        shipper.close()
