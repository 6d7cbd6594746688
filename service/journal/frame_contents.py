"""What frames of the spool hold: rows for the database, the sources of those after them, and what cannot be read."""

from __future__ import annotations

import logging
import math
from typing import Any, NamedTuple

import msgspec

from service.journal.database.decoding import Row, Spooled, Unreadable, rows_of
from service.journal.spool.frames import Frame, Source
from service.journal.spool.segments import read_record, read_source

LOG = logging.getLogger(__name__)


class FrameContents(NamedTuple):
    """What frames held."""

    rows: list[Row]
    #: How many predictions could not be read.
    damaged: int
    #: When the oldest was made, in Unix seconds.
    oldest: float


def contents_of(frames: list[Frame], sources: dict[int, Source], identity: str) -> FrameContents:
    """The rows of all frames that can be read."""
    batches: dict[Any, list[Spooled]] = {}
    damaged = 0
    for frame in frames:
        try:
            if not learn_source(frame, sources):
                spooled = _spooled(frame, sources, identity)
                batches.setdefault(spooled.batch_key, []).append(spooled)
        except (Unreadable, msgspec.MsgspecError) as error:
            damaged += max(frame.rows, 1)
            LOG.error("journal: skipped a frame of %s at %d: %s", identity, frame.start, error)
    rows: list[Row] = []
    for batch in batches.values():
        readable, unreadable = _rows(batch, sources[batch[0].record.source])
        rows += readable
        damaged += unreadable
    times = [spooled.record.at for batch in batches.values() for spooled in batch]
    return FrameContents(rows, damaged, min(times, default=math.inf))


def _rows(batch: list[Spooled], source: Source) -> tuple[list[Row], int]:
    """All at once; where one of them does not fit, one by one, without those that do not."""
    try:
        return rows_of(batch, source), 0
    except Unreadable as error:
        if len(batch) == 1:
            LOG.error("journal: skipped the record %s: %s", batch[0].identity, error)
            return [], batch[0].rows
    rows, damaged = [], 0
    for spooled in batch:
        readable, unreadable = _rows([spooled], source)
        rows += readable
        damaged += unreadable
    return rows, damaged


def _spooled(frame: Frame, sources: dict[int, Source], identity: str) -> Spooled:
    if frame.payload is None:
        raise Unreadable("its bytes are not those that were written")
    record = read_record(frame.payload)
    if record.source not in sources:
        raise Unreadable(f"source {record.source} is not known")
    return Spooled(record, frame.rows, f"{identity}-{frame.start:x}")


def learn_source(frame: Frame, sources: dict[int, Source]) -> bool:
    """True when the frame was a source, which is remembered."""
    if frame.rows or frame.payload is None:
        return False
    source = read_source(frame.payload)
    sources[source.number] = source
    return True
