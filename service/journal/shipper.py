"""Moves the spool to the database, for as long as the service runs.

Rows are committed before the file's mark moves on, and the database takes no row twice: a shipper
killed at any point loses nothing and repeats a batch at most.
"""

from __future__ import annotations

import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from service.journal.database.predictions import PredictionTable
from service.journal.errors import Unavailable
from service.journal.frame_contents import contents_of, learn_source
from service.journal.spool.counters import Counters
from service.journal.spool.frames import START, Frame, Source
from service.journal.spool.segments import (
    Segment,
    remove_set_aside,
    remove_unnamed,
    segments,
)
from service.settings import JournalSettings

LOG = logging.getLogger(__name__)

#: Bytes of the spool a transaction.
READ_SIZE = 1 << 19
SWEEP_SECONDS = 3600.0
#: What a long reader keeps waiting is tried again after so long: other writers wait behind each try.
WAITING_SECONDS = 60.0
LONGEST_PAUSE = 30.0
#: How nice the shipper is: it takes what predictions leave of the cores ...
NICE = 10
#: ... until the oldest prediction has waited for so many seconds. Then it takes its full share.
PATIENCE = 2.0
_JITTER = random.SystemRandom()


class _Learned(NamedTuple):
    """The sources that stand in a file before the byte `until`."""

    until: int
    sources: dict[int, Source]


class Shipper:
    """Several may ship one spool, in containers that share a volume: they share its files out."""

    def __init__(self, settings: JournalSettings):
        # What it works with. A thread cannot take back its niceness without privilege: one is nice, the other is not.
        self._settings = settings
        self._table = PredictionTable(settings.url, settings.retention_days)
        self._counters = Counters(settings.spool)
        self._nice_thread = ThreadPoolExecutor(1, "journal-nice", _be_nice)
        # What it remembers from pass to pass. `_behind` is the age in seconds of the oldest prediction of the last.
        self._learned: dict[str, _Learned] = {}
        self._sweep_at = 0.0
        self._failures = 0
        self._behind = 0.0
        self._until = math.inf

    def close(self) -> None:
        self._nice_thread.shutdown()
        self._table.close()

    def ship_once(self) -> int:
        """One pass over the spool; the number of predictions new in the table."""
        self._prepare_and_sweep()
        paths = segments(self._settings.spool)
        self._behind = 0.0
        names = {path.name for path in paths}
        self._learned = {name: learned for name, learned in self._learned.items() if name in names}
        return sum(self._ship(path) for path in paths)

    def ship_politely(self) -> int:
        """A pass that leaves the cores to predictions, as long as none has waited for long."""
        if self._behind > PATIENCE:
            return self.ship_once()
        self._until = time.monotonic() + PATIENCE
        try:
            return self._nice_thread.submit(self.ship_once).result()
        finally:
            self._until = math.inf

    def run(self, stop: threading.Event) -> None:
        """Pass after pass until `stop`, then one more for what was spooled last. Never raises."""
        while not stop.wait(self._attempt(self.ship_politely)):
            pass
        self._attempt(self.ship_once)

    def _attempt(self, ship: Callable[[], int]) -> float:
        """One pass; how many seconds to pause after it."""
        try:
            shipped = ship()
        # It must outlive any trouble.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._failures += 1
            # Tables may be those of a backup from before a migration: the next pass looks.
            self._sweep_at = 0.0
            if self._failures == 1:
                LOG.error("journal: predictions wait in the spool: %s", error)
            longest = min(LONGEST_PAUSE, self._settings.poll * 2.0 ** min(self._failures, 16))
            return longest * _JITTER.uniform(0.5, 1.0)
        if self._failures:
            LOG.warning("journal: ships again; caught up with %d predictions", shipped)
        self._failures = 0
        return self._settings.poll

    def _prepare_and_sweep(self) -> None:
        if time.monotonic() < self._sweep_at:
            return
        migrated = self._table.prepare()
        for name in migrated.applied:
            LOG.info("journal: migration %s applied", name)
        if migrated.waits:
            LOG.warning(
                "journal: ships to the tables of before: a migration waits: %s", migrated.waits
            )
        waits = migrated.waits or self._sweep_table()
        remove_unnamed(self._settings.spool)
        remove_set_aside(self._settings.spool, self._settings.retention_days)
        self._sweep_at = time.monotonic() + (WAITING_SECONDS if waits else SWEEP_SECONDS)

    def _sweep_table(self) -> str:
        """Why it could not be swept, if so: a day that a backup reads is dropped later, and predictions are shipped."""
        try:
            self._table.sweep()
        except Unavailable as error:
            LOG.warning("journal: old predictions are dropped later: %s", error)
            return str(error)
        return ""

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
        sources = self._sources_before(segment, position)
        while frames := segment.frames(position, READ_SIZE, closed):
            if time.monotonic() > self._until:
                return shipped
            shipped += self._ship_frames(frames, sources, segment)
            position = frames[-1].end
            segment.mark(position)
            self._learned[segment.path.name] = _Learned(position, sources)
        if closed:
            segment.remove()
        return shipped

    def _sources_before(self, segment: Segment, position: int) -> dict[int, Source]:
        """The sources before `position`.

        Sources stand before their records. Another shipper of this spool may have moved the mark since this
        one read the file: the sources that only the other has met are read here, or the records after
        them would be skipped as unreadable.
        """
        learned = self._learned.get(segment.path.name, _Learned(START, {}))
        if position > learned.until:
            for frame in segment.frames(learned.until, position - learned.until, final=False):
                learn_source(frame, learned.sources)
            learned = _Learned(position, learned.sources)
            self._learned[segment.path.name] = learned
        return learned.sources

    def _ship_frames(
        self, frames: list[Frame], sources: dict[int, Source], segment: Segment
    ) -> int:
        contents = contents_of(frames, sources, segment.identity)
        if contents.damaged:
            # Before its mark moves on: whoever is killed here does so again.
            segment.set_aside()
        self._behind = max(self._behind, time.time() - contents.oldest)
        stored = self._table.insert(contents.rows)
        self._counters.add("shipped", stored.new)
        self._counters.add("damaged", contents.damaged)
        self._counters.add("refused", stored.refused)
        self._counters.add("expired", stored.expired)
        if stored.refused:
            LOG.error(
                "journal: the database refused %d predictions of %s",
                stored.refused,
                segment.identity,
            )
        return stored.new


def _be_nice() -> None:
    # Of this thread alone, on Linux. Where all of the container is nicer already, as below an engine that is, becoming
    # less so is a right that it has not: the thread would never ship anything.
    own = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, own) < NICE:
        os.setpriority(os.PRIO_PROCESS, own, NICE)


def ship_once(settings: JournalSettings) -> int:
    """One pass; raises Unavailable when the database is away."""
    shipper = Shipper(settings)
    try:
        return shipper.ship_once()
    finally:
        shipper.close()


def ship_forever(settings: JournalSettings, stop: threading.Event) -> None:
    shipper = Shipper(settings)
    try:
        shipper.run(stop)
    finally:
        shipper.close()
