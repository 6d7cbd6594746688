"""Spooled records as rows of the table `prediction`: plain values, by what their source says.

Many records are read at once: their arrays become one, its numbers are told together, and what is left
for each row is to be written down.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.journal.database.shortest import plain_cells, shortest_all
from service.journal.spool.frames import Record, Source, SpooledColumn

#: Type codes of the arrays that engines give.
KINDS = frozenset("fdilq")
_encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """One prediction; its fields are the table's columns, as SQLite takes them: JSON and times are text."""

    prediction_id: str
    request_id: str
    row: int
    #: In UTC, so that it sorts: 2026-01-31 08:00:00.000000.
    at: str
    model: str
    version: str
    release: str
    arm: str
    subject: str | None
    features: str
    prediction: str | None
    label: str | None
    number: float | None
    probabilities: str | None
    probability: float | None
    latency_ms: float


class Unreadable(ValueError):
    """A record that does not fit its source."""


class Spooled(NamedTuple):
    """`identity` is the record's place in the spool: unique, and the same when shipped again."""

    record: Record
    rows: int
    identity: str

    @property
    def alike(self) -> tuple[str, bool, bool]:
        """Records of a source that are equal in this can be read at once."""
        record = self.record
        return record.kind, record.probabilities is None, record.hidden is None


class _Told(NamedTuple):
    """What a model predicted for one row."""

    prediction: str | None
    label: str | None
    number: float | None


def rows_of(spooled: Sequence[Spooled], source: Source) -> list[Row]:
    """The rows of records that are `alike`. Unreadable when one of them does not fit."""
    count = sum(one.rows for one in spooled)
    features = _features(spooled, source, count)
    told = _told(spooled, source, count)
    chances = _chances(spooled, source, count)
    found: list[Row] = []
    for record, rows, identity in spooled:
        at = text_of(dt.datetime.fromtimestamp(record.at, dt.UTC))
        latency = round(record.latency * 1000, 3)
        for row in range(rows):
            place = len(found)
            prediction, label, number = told[place]
            by_class = chances[place] if chances else None
            found.append(
                Row(
                    f"{identity}-{row}",
                    record.request_id,
                    row,
                    at,
                    source.model,
                    source.version,
                    source.release,
                    source.arm,
                    record.subject,
                    features[place],
                    prediction,
                    label,
                    number,
                    None if by_class is None else _text(by_class),
                    None if by_class is None or label is None else by_class[label],
                    latency,
                )
            )
    return found


def text_of(at: dt.datetime) -> str:
    """A time in UTC as the table `prediction` has it."""
    return at.isoformat(" ", "microseconds")[:26]


def _text(value: Any) -> str:
    return _encode(value).decode()


def _matrix(parts: Sequence[bytes], kind: str, rows: int, width: int | None) -> NDArray[Any]:
    """The parts as one matrix; as wide as they make it, or as they must be."""
    if kind not in KINDS:
        raise Unreadable(f"values of type {kind!r}; known are {', '.join(sorted(KINDS))}")
    data = b"".join(parts)
    try:
        flat = np.frombuffer(data, kind)
    except ValueError as error:
        raise Unreadable(f"{len(data)} bytes are no array of type {kind!r}") from error
    wide, rest = divmod(len(flat), rows)
    if rest or not wide or width not in (None, wide):
        raise Unreadable(f"{len(flat)} values for {rows} rows of {width or 'any number of'} cells")
    return flat.reshape(rows, wide)


def _fit(parts: Sequence[bytes], spooled: Sequence[Spooled], cells: int) -> None:
    """Each part must be as long as its rows say: else a neighbour's cells would stand for its own."""
    for part, one in zip(parts, spooled, strict=True):
        if len(part) != one.rows * cells:
            raise Unreadable(f"{len(part)} bytes for {one.rows} rows of {cells} bytes")


def _features(spooled: Sequence[Spooled], source: Source, rows: int) -> list[str]:
    """Each row as JSON. Hashed columns come from `hidden`, omitted ones not at all."""
    parts = [one.record.matrix for one in spooled]
    _fit(parts, spooled, 4 * len(source.columns))
    matrix = shortest_all(_matrix(parts, "f", rows, len(source.columns)))
    hashed = [column.name for column in source.columns if column.treatment == "hash"]
    columns: dict[str, Sequence[Any]] = {}
    for place, column in enumerate(source.columns):
        if column.treatment == "clear":
            columns[column.name] = _cells(column, matrix[:, place])
        elif column.treatment == "hash":
            columns[column.name] = _hashes(spooled, hashed.index(column.name))
    if not columns:
        return ["{}"] * rows
    names = list(columns)
    return [
        _encode(dict(zip(names, cells, strict=True))).decode()
        for cells in zip(*columns.values(), strict=True)
    ]


def _cells(column: SpooledColumn, cells: NDArray[np.float64]) -> list[Any]:
    try:
        return plain_cells(column.type, column.categories, cells)
    except (IndexError, OverflowError) as error:
        raise Unreadable(f"column {column.name}: a cell stands for no {column.type}") from error


def _hashes(spooled: Sequence[Spooled], number: int) -> list[str | None]:
    found: list[str | None] = []
    for one in spooled:
        hidden = one.record.hidden or []
        if len(hidden) <= number or len(hidden[number]) != one.rows:
            raise Unreadable(f"{len(hidden)} lists of hashes for {one.rows} rows")
        found += hidden[number]
    return found


def _told(spooled: Sequence[Spooled], source: Source, rows: int) -> list[_Told]:
    parts, kind = [one.record.values for one in spooled], spooled[0].record.kind
    values = _matrix(parts, kind, rows, None)
    _fit(parts, spooled, values.shape[1] * values.itemsize)
    if source.classes:
        return _labels(values[:, 0], source)
    numbers: list[Any] = _finite(shortest_all(values) if kind == "f" else values.astype(np.float64))
    if values.shape[1] == 1:
        return [
            _Told(None if number is None else _text(number), None, number) for (number,) in numbers
        ]
    return [
        _Told(_text(dict(zip(source.outputs, cells, strict=False))), None, None)
        for cells in numbers
    ]


def _labels(values: NDArray[Any], source: Source) -> list[_Told]:
    known = [_Told(_text(label), label, None) for label in source.classes]
    try:
        return [known[number] for number in values.astype(np.int64).tolist()]
    except IndexError as error:
        raise Unreadable(f"a class number above the {len(known)} classes") from error


def _finite(values: NDArray[np.float64]) -> list[Any]:
    """Rows of numbers; what is no number is None."""
    return [[cell if -np.inf < cell < np.inf else None for cell in row] for row in values.tolist()]


def _chances(
    spooled: Sequence[Spooled], source: Source, rows: int
) -> list[dict[str, float | None]] | None:
    parts = [one.record.probabilities for one in spooled]
    if not source.classes or None in parts:
        return None
    given = [part for part in parts if part is not None]
    _fit(given, spooled, 4 * len(source.classes))
    table = _finite(shortest_all(_matrix(given, "f", rows, len(source.classes))))
    return [dict(zip(source.classes, cells, strict=True)) for cells in table]
