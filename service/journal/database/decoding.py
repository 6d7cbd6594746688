"""Spooled records as rows of the table `prediction`: plain values, by what their source says.

Many records are read at once, column by column: their arrays become one, orjson writes all numbers of a column in
one call, with the fewest digits that mean the same float32, and a row's JSON is a template that is filled.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

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
    trace_id: str | None = None


class Unreadable(ValueError):
    """A record that does not fit its source."""


class Spooled(NamedTuple):
    """`identity` is the record's place in the spool: unique, and the same when shipped again."""

    record: Record
    rows: int
    identity: str

    @property
    def batch_key(self) -> tuple[int, str, bool, bool]:
        """Records with equal keys can be read at once."""
        record = self.record
        return record.source, record.kind, record.probabilities is None, record.hidden is None


class _Predicted(NamedTuple):
    """What a model predicted for one row: the columns from `prediction` to `probability`."""

    prediction: str | None
    label: str | None
    number: float | None
    probabilities: str | None
    probability: float | None


def rows_of(batch: Sequence[Spooled], source: Source) -> list[Row]:
    """The rows of records with one batch key. Unreadable when one of them does not fit."""
    count = sum(spooled.rows for spooled in batch)
    cells = iter(
        zip(_features(batch, source, count), _predictions(batch, source, count), strict=True)
    )
    rows: list[Row] = []
    for record, size, identity in batch:
        at = text_of(dt.datetime.fromtimestamp(record.at, dt.UTC))
        latency = round(record.latency * 1000, 3)
        origin = (at, source.model, source.version, source.release, source.arm, record.subject)
        for row in range(size):
            features, predicted = next(cells)
            key = (f"{identity}-{row}", record.request_id, row)
            rows.append(Row._make((*key, *origin, features, *predicted, latency, record.trace_id)))
    return rows


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


def _check_sizes(parts: Sequence[bytes], batch: Sequence[Spooled], size: int) -> None:
    """Each part must be as long as its rows say: else a neighbour's cells would stand for its own."""
    for part, spooled in zip(parts, batch, strict=True):
        if len(part) != spooled.rows * size:
            raise Unreadable(f"{len(part)} bytes for {spooled.rows} rows of {size} bytes")


def _objects(columns: Mapping[str, Sequence[str]], rows: int) -> list[str]:
    """A JSON object a row, of columns whose cells are JSON already."""
    if not columns:
        return ["{}"] * rows
    names = (_text(name).replace("%", "%%") for name in columns)
    template = "{" + ",".join(f"{name}:%s" for name in names) + "}"
    return [template % cells for cells in zip(*columns.values(), strict=True)]


def _numbers(values: NDArray[Any]) -> bytes:
    """A column as a list in JSON. What is not finite is null."""
    # orjson takes no column of a matrix as it lies there.
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)


def _number_texts(values: NDArray[Any]) -> list[str]:
    return _numbers(values)[1:-1].decode().split(",")


def _features(batch: Sequence[Spooled], source: Source, rows: int) -> list[str]:
    """Each row as JSON. Hashed columns come from `hidden`, omitted ones not at all."""
    parts = [spooled.record.matrix for spooled in batch]
    width = sum(column.width for column in source.columns)
    _check_sizes(parts, batch, 4 * width)
    cells = _matrix(parts, "f", rows, width).T
    hashed = [column.name for column in source.columns if column.treatment == "hash"]
    columns: dict[str, Sequence[str]] = {}
    place = 0
    for column in source.columns:
        own, place = cells[place : place + column.width], place + column.width
        if column.treatment == "clear":
            columns[column.name] = _cells(column, own[0]) if len(own) == 1 else _lists(own)
        elif column.treatment == "hash":
            columns[column.name] = _hashes(batch, hashed.index(column.name))
    return _objects(columns, rows)


def _cells(column: SpooledColumn, cells: NDArray[np.float32]) -> list[str]:
    """A column's cells as JSON. A null is NaN."""
    if column.type in ("number", "timestamp"):
        return _number_texts(cells)
    if np.isinf(cells).any():
        raise Unreadable(f"column {column.name}: an infinite cell stands for no {column.type}")
    if column.type == "integer":
        # By way of their digits: 123456792, the nearest float32, was 123456790.
        numbers = orjson.loads(_numbers(cells))
        return ["null" if number is None else str(int(number)) for number in numbers]
    if column.type == "boolean":
        return [
            "null" if math.isnan(cell) else "true" if cell else "false" for cell in cells.tolist()
        ]
    texts = [_text(category) for category in column.categories]
    if ((cells < 0) | (cells >= len(texts))).any():
        raise Unreadable(f"column {column.name}: a cell stands for no category")
    return ["null" if math.isnan(cell) else texts[int(cell)] for cell in cells.tolist()]


def _lists(cells: NDArray[np.float32]) -> list[str]:
    """Of a time that is several features, a list of them, or null."""
    rows = zip(*map(_number_texts, cells), strict=True)
    return ["null" if set(row) == {"null"} else f"[{','.join(row)}]" for row in rows]


def _hashes(batch: Sequence[Spooled], number: int) -> list[str]:
    hashes: list[str | None] = []
    for spooled in batch:
        hidden = spooled.record.hidden or []
        if len(hidden) <= number or len(hidden[number]) != spooled.rows:
            raise Unreadable(f"{len(hidden)} lists of hashes for {spooled.rows} rows")
        hashes += hidden[number]
    return [_text(digest) for digest in hashes]


def _predictions(batch: Sequence[Spooled], source: Source, rows: int) -> list[_Predicted]:
    parts, kind = [spooled.record.values for spooled in batch], batch[0].record.kind
    values = _matrix(parts, kind, rows, None)
    _check_sizes(parts, batch, values.shape[1] * values.itemsize)
    if source.classes:
        return _classes(batch, source, values[:, 0])
    if kind != "f":
        values = values.astype(np.float64)
    texts = [_number_texts(column) for column in values.T]
    if len(texts) > 1:
        named = dict(zip(source.outputs, texts, strict=False))
        # Of a number with its quantiles, the number stands in its column as that of a model without them.
        numbers = orjson.loads(_numbers(values[:, 0])) if source.targets == 1 else [None] * rows
        return [
            _Predicted(text, None, number, None, None)
            for text, number in zip(_objects(named, rows), numbers, strict=True)
        ]
    return [
        _Predicted(None if number is None else text, None, number, None, None)
        for text, number in zip(texts[0], orjson.loads(_numbers(values[:, 0])), strict=True)
    ]


def _classes(batch: Sequence[Spooled], source: Source, values: NDArray[Any]) -> list[_Predicted]:
    codes, labels = values.astype(np.int64), source.classes
    if ((codes < 0) | (codes >= len(labels))).any():
        raise Unreadable(f"a class number that is none of the {len(labels)} classes")
    texts = [_text(label) for label in labels]
    probabilities, chosen = _probabilities(batch, source, codes)
    return [
        _Predicted(texts[code], labels[code], None, by_class, probability)
        for code, by_class, probability in zip(codes.tolist(), probabilities, chosen, strict=True)
    ]


def _probabilities(
    batch: Sequence[Spooled], source: Source, codes: NDArray[np.int64]
) -> tuple[Sequence[str | None], Sequence[float | None]]:
    """By class, as JSON; and that of the predicted class."""
    rows, width = len(codes), len(source.classes)
    parts = [part for spooled in batch if (part := spooled.record.probabilities) is not None]
    if not parts:
        return [None] * rows, [None] * rows
    _check_sizes(parts, batch, 4 * width)
    table = _matrix(parts, "f", rows, width)
    columns = zip(source.classes, map(_number_texts, table.T), strict=True)
    return _objects(dict(columns), rows), orjson.loads(_numbers(table[np.arange(rows), codes]))
