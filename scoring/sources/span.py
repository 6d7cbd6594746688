"""What is left to score of a source, and batches of it of which none lies in two parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from scoring.predictor import Batch

#: Rows that are encoded and predicted at once.
BATCH_ROWS = 1 << 15


class Span(NamedTuple):
    """Parts of one file that follow each other: from `first` on, up to before `end` or the end of the file."""

    file: int
    first: int
    end: int | None = None
    #: The identifier of the last row before, where a query goes on behind it.
    after: int | str | None = None


def runs(file: int, numbers: list[int]) -> Iterator[Span]:
    """Parts by their numbers, each with those that follow it."""
    while numbers:
        follow = (place for place, number in enumerate(numbers) if number != numbers[0] + place)
        length = next(follow, len(numbers))
        yield Span(file, numbers[0], numbers[0] + length)
        numbers = numbers[length:]


def cut(rows: pa.RecordBatch, start: int, part_rows: int, file: str = "") -> Iterator[Batch]:
    """Rows from the row `start` on, cut where a part ends and where a batch is as long as it may be."""
    while len(rows):
        room = min(part_rows - start % part_rows, BATCH_ROWS)
        yield Batch(rows.slice(0, room), start, file)
        rows, start = rows.slice(room), start + min(room, len(rows))
