"""Room for one more file of the spool: at its bound, the oldest predictions are shed and counted."""

from __future__ import annotations

import logging
from pathlib import Path

from service.journal.spool.counters import Counters
from service.journal.spool.segments import Segment, open_segments

LOG = logging.getLogger(__name__)


def make_room(folder: Path, limit: int, segment_size: int) -> bool:
    """Shed the oldest files until one more fits below `limit`; False when the rest is in use.

    A file that its worker still writes to counts as full, so that the bound holds when all have
    grown.
    """
    total = segment_size
    closed: list[tuple[Path, int]] = []
    for segment in open_segments(folder):
        if segment.closed():
            closed.append((segment.path, segment.size))
            total += segment.size
        else:
            total += max(segment.size, segment_size)
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
