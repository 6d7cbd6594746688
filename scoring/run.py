"""A scoring from beginning to end: parts that are not written yet, on this machine or a cluster, then the output."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from scoring.predictor import Batch, Predictor, Scored
from scoring.sources import Files
from scoring.unfinished import Done, Part


class PartWriter(Protocol):
    """One part of the output while it is written."""

    def write(self, scored: Scored) -> None: ...
    def commit(self) -> Done: ...
    def abandon(self) -> None: ...


class Sink(Protocol):
    """Where answers go."""

    def part(self, part: Part) -> PartWriter: ...


class Span(NamedTuple):
    """Parts of one file that follow each other: from `first` on, up to before `end` or the end of the file."""

    file: int
    first: int
    end: int | None = None


def spans(source: Files, done: Iterable[Part]) -> Iterator[Span]:
    """What is left to score: of each file, the parts that are not done."""
    written = set(done)
    for file in range(len(source.paths)):
        rows = source.rows(file)
        if rows is None:
            # Of a file that has to be read to be counted, the first parts are done, one after the other.
            first = 0
            while Part(file, first) in written:
                first += 1
            yield Span(file, first)
            continue
        missing = [n for n in range(-(-rows // source.part_rows)) if Part(file, n) not in written]
        yield from _runs(file, missing)


def _runs(file: int, numbers: list[int]) -> Iterator[Span]:
    while numbers:
        length = next(
            (n for n, number in enumerate(numbers) if number != numbers[0] + n), len(numbers)
        )
        yield Span(file, numbers[0], numbers[0] + length)
        numbers = numbers[length:]


def score_span(
    predictor: Predictor,
    source: Files,
    sink: Sink,
    span: Span,
    tell: Callable[[int], None],
    threads: int = 0,
) -> dict[Part, Done]:
    """Parts scored and written, one after the other; `tell` hears of the rows of each batch."""
    done: dict[Part, Done] = {}
    writer: PartWriter | None = None
    part = Part(span.file, -1)
    batches = _until_end(source, span, predictor.columns)
    try:
        for batch, scored in _in_order(predictor.score, batches, threads or os.cpu_count() or 1):
            if (number := batch.start // source.part_rows) != part.number:
                if writer is not None:
                    done[part] = writer.commit()
                part = Part(span.file, number)
                writer = sink.part(part)
            assert writer is not None
            writer.write(scored)
            tell(len(batch.rows))
        if writer is not None:
            done[part] = writer.commit()
            writer = None
    finally:
        if writer is not None:
            writer.abandon()
    return done


def _until_end(source: Files, span: Span, columns: list[str]) -> Iterator[Batch]:
    for batch in source.batches(span.file, columns, span.first * source.part_rows):
        if span.end is not None and batch.start >= span.end * source.part_rows:
            return
        yield batch


def _in_order(
    work: Callable[[Batch], Scored], batches: Iterator[Batch], threads: int
) -> Iterator[tuple[Batch, Scored]]:
    """Each batch with its answers, in order; few are on their way at a time, so that memory stays constant."""
    waiting: deque[tuple[Batch, Future[Scored]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for batch in batches:
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > 2 * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
