"""Spooled records as rows of the table `prediction`: plain values, by what their source says."""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from service.journal.frames import Record, Source, SpooledColumn
from service.journal.values import as_kind, finite, shortest_all

#: Type codes of the arrays that engines give.
KINDS = frozenset("fdilq")


class Row(NamedTuple):
    """One prediction; its fields are the table's columns."""

    prediction_id: str
    request_id: str
    row: int
    at: dt.datetime
    model: str
    version: str
    release: str
    arm: str
    subject: str | None
    features: dict[str, Any]
    prediction: Any
    label: str | None
    number: float | None
    probabilities: dict[str, float | None] | None
    probability: float | None
    latency_ms: float


class Unreadable(ValueError):
    """A record that does not fit its source."""


def rows_of(record: Record, source: Source, rows: int, identity: str) -> Iterator[Row]:
    """`identity` is the record's place in the spool: unique, and the same when shipped again."""
    features = _features(record, source, rows)
    values = _array(record.values, record.kind, rows)
    probabilities = _probabilities(record, source, rows)
    at = dt.datetime.fromtimestamp(record.at, dt.UTC)
    for row in range(rows):
        prediction, label, number = _prediction(values[row], source)
        chances = probabilities[row] if probabilities else None
        yield Row(
            prediction_id=f"{identity}-{row}",
            request_id=record.request_id,
            row=row,
            at=at,
            model=source.model,
            version=source.version,
            release=source.release,
            arm=source.arm,
            subject=record.subject,
            features=features[row],
            prediction=prediction,
            label=label,
            number=number,
            probabilities=chances,
            probability=chances.get(label) if chances and label is not None else None,
            latency_ms=round(record.latency * 1000, 3),
        )


def _array(data: bytes, kind: str, rows: int) -> list[list[Any]]:
    """A matrix from its bytes: as many columns as they make, its numbers as short as they can be."""
    if kind not in KINDS:
        raise Unreadable(f"values of type {kind!r}; known are {', '.join(sorted(KINDS))}")
    try:
        flat: list[Any] = array(kind, data).tolist()
    except ValueError as error:
        raise Unreadable(f"{len(data)} bytes are no array of type {kind!r}") from error
    width, rest = divmod(len(flat), rows)
    if rest or not width:
        raise Unreadable(f"{len(flat)} values for {rows} rows")
    short = shortest_all(flat) if kind == "f" else flat
    return [short[start : start + width] for start in range(0, len(flat), width)]


def _features(record: Record, source: Source, rows: int) -> list[dict[str, Any]]:
    matrix = _array(record.matrix, "f", rows)
    if len(matrix[0]) != len(source.columns):
        raise Unreadable(f"{len(matrix[0])} cells a row for {len(source.columns)} columns")
    hashed = [column.name for column in source.columns if column.treatment == "hash"]
    hidden = dict(zip(hashed, record.hidden or [], strict=False))
    return [
        {
            column.name: (
                hidden[column.name][row]
                if column.name in hidden
                else _cell(column, cells[position])
            )
            for position, column in enumerate(source.columns)
            if column.treatment != "omit"
        }
        for row, cells in enumerate(matrix)
    ]


def _cell(column: SpooledColumn, cell: float) -> Any:
    try:
        return as_kind(column.type, column.categories, cell)
    except (IndexError, OverflowError) as error:
        raise Unreadable(f"column {column.name}: {cell} stands for no {column.type}") from error


def _prediction(cells: list[Any], source: Source) -> tuple[Any, str | None, float | None]:
    """As JSON, and as the label or the number that it is."""
    if source.classes:
        try:
            label = source.classes[int(cells[0])]
        except IndexError as error:
            raise Unreadable(
                f"class number {cells[0]}; there are {len(source.classes)} classes"
            ) from error
        return label, label, None
    numbers = [finite(float(cell)) for cell in cells]
    if len(numbers) == 1:
        return numbers[0], None, numbers[0]
    return dict(zip(source.outputs, numbers, strict=False)), None, None


def _probabilities(
    record: Record, source: Source, rows: int
) -> list[dict[str, float | None]] | None:
    if record.probabilities is None or not source.classes:
        return None
    table = _array(record.probabilities, "f", rows)
    if len(table[0]) != len(source.classes):
        raise Unreadable(f"{len(table[0])} probabilities for {len(source.classes)} classes")
    return [
        {name: finite(cell) for name, cell in zip(source.classes, cells, strict=True)}
        for cells in table
    ]
