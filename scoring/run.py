"""Parts of a source scored and written: read in order, predicted side by side, written in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from scoring.predictor import Batch, Predictor, Scored
from scoring.sources.span import Span
from scoring.unfinished import Done, Part, Unfinished


class Source(Protocol):
    """The table that is scored. `identity` and `options` change when what is read of it does."""

    name: str
    part_rows: int
    options: dict[str, Any]
    tells_changes: bool

    @property
    def is_several(self) -> bool: ...
    @property
    def total(self) -> int | None: ...
    @property
    def identity(self) -> list[tuple[str, int, int]]: ...
    def names(self) -> Iterator[tuple[str, list[str]]]: ...
    def type_of(self, name: str) -> pa.DataType: ...
    def spans(self, done: Mapping[Part, Done]) -> Iterator[Span]: ...
    def batches(self, span: Span, columns: Sequence[str]) -> Iterator[Batch]: ...
    def last(self, batch: Batch) -> int | str | None: ...
    def close(self) -> None: ...


class PartWriter(Protocol):
    """One part of the output while it is written."""

    def write(self, scored: Scored) -> None: ...
    def commit(self, last: int | str | None) -> Done: ...
    def abandon(self) -> None: ...


class Sink(Protocol):
    """Where answers go."""

    unfinished: Unfinished

    @property
    def place(self) -> str: ...
    @property
    def violations_place(self) -> str: ...
    def prepared(self, done: dict[Part, Done]) -> AbstractContextManager[None]: ...
    def part(self, part: Part) -> PartWriter: ...
    def finish(self, done: dict[Part, Done], key: str) -> None: ...


def covered(spans: Collection[Span], part: Part) -> bool:
    """Whether a part is among those that are left to score."""
    return any(
        span.file == part.file
        and span.first <= part.number
        and (span.end is None or part.number < span.end)
        for span in spans
    )


def score_span(
    predictor: Predictor,
    source: Source,
    sink: Sink,
    span: Span,
    tell: Callable[[int], None],
) -> dict[Part, Done]:
    """Parts scored and written, one after the other; `tell` hears of the rows of each batch."""
    done: dict[Part, Done] = {}
    writer: PartWriter | None = None
    part, last = Part(span.file, -1), None
    try:
        for batch, scored in _in_order(predictor.score, source.batches(span, predictor.columns)):
            if (number := batch.start // source.part_rows) != part.number:
                if writer is not None:
                    done[part] = writer.commit(last)
                part = Part(span.file, number)
                writer = sink.part(part)
            assert writer is not None
            writer.write(scored)
            last = source.last(batch)
            tell(len(batch.rows))
        if writer is not None:
            done[part] = writer.commit(last)
            writer = None
    finally:
        if writer is not None:
            writer.abandon()
    return done


def _in_order(
    work: Callable[[Batch], Scored], batches: Iterator[Batch]
) -> Iterator[tuple[Batch, Scored]]:
    """Each batch with its answers, in order; few are on their way at a time, so that memory stays constant."""
    threads = os.cpu_count() or 1
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
