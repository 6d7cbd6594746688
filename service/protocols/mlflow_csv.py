"""A table as CSV, as data frames are written: a line with the names, then a line a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from service.bundle.contract import Column, Contract
from service.web.problems import BadRequest, Unprocessable
from service.web.strict_json import first_duplicate

CSV_TYPE = "text/csv"
_TRUTH = {"true": True, "false": False}


def read_csv(body: bytes, contract: Contract, limit: int) -> list[dict[str, Any]]:
    """Its rows by name, each cell as its column's type reads it; what is no such value stays text."""
    columns = {column.name: column for column in contract.columns}
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = next(lines, [])
        _check_names(names)
        readers = [_reader(columns.get(name)) for name in names]
        rows: list[dict[str, Any]] = []
        for cells in lines:
            # A line without anything is no row, to pandas neither.
            if cells:
                _check_row(len(rows), cells, len(names), limit)
                values = [read(cell) for read, cell in zip(readers, cells, strict=True)]
                rows.append(dict(zip(names, values, strict=True)))
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise BadRequest(f"the body is not CSV: {error}") from error
    return rows


def _check_names(names: list[str]) -> None:
    duplicate = first_duplicate(names)
    if duplicate is not None:
        raise Unprocessable.field(duplicate, "the name twice", "each name once")


def _check_row(number: int, cells: list[str], width: int, limit: int) -> None:
    if number == limit:
        raise Unprocessable.field("", f"more than {limit} rows", f"up to {limit} rows a request")
    if len(cells) != width:
        raise Unprocessable.field("", cells, f"{width} values, as the first line has", number)


def _reader(column: Column | None) -> Callable[[str], Any]:
    if column is None:
        return str
    read = _READERS.get(column.type, str)
    return lambda cell: None if _is_missing(column, cell) else read(cell)


def _is_missing(column: Column, cell: str) -> bool:
    """An empty cell, unless it is one of the categories."""
    return not cell and "" not in column.categories


def _number(cell: str) -> Any:
    """Digits as data frames write them; Python alone would take `1_000` and those of every script."""
    try:
        return float(cell) if cell.isascii() and "_" not in cell else cell
    except ValueError:
        return cell


def _whole(cell: str) -> Any:
    """A column with missing values is written by pandas as 4.0."""
    number = _number(cell)
    return int(number) if isinstance(number, float) and number.is_integer() else number


_READERS: dict[str, Callable[[str], Any]] = {
    "number": _number,
    "integer": _whole,
    "boolean": lambda cell: _TRUTH.get(cell.lower(), cell),
}
