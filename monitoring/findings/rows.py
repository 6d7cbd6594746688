"""The monitor's values as rows of its tables, and back."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
import sqlalchemy as sa
from msgspec.structs import replace

from monitoring.findings.tables import ALARM, FINDING, WINDOW, plain
from monitoring.findings.values import Alarm, Finding, WindowRecord

Value = TypeVar("Value", bound=msgspec.Struct)


def cells_of(value: msgspec.Struct) -> dict[str, Any]:
    """A value as a row. What is no finite number is none: PostgreSQL would keep it, SQLite not.

    Of a text with a NUL, which PostgreSQL does not take, all else is kept.
    """
    cells = {
        name: plain(cell) if isinstance(cell, np.generic) else cell
        for name, cell in msgspec.structs.asdict(value).items()
    }
    return {name: _kept(cell) for name, cell in cells.items()}


def _kept(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def value_of(kind: type[Value], table: sa.Table, row: sa.RowMapping) -> Value:
    """A row's columns of this table as a value; fields whose columns were not asked for have their default."""
    columns = _columns(kind, table)
    return kind(**{field: row[column] for field, column in columns.items() if column in row})


@functools.cache
def _columns(kind: type[msgspec.Struct], table: sa.Table) -> Mapping[str, sa.Column[Any]]:
    """By field, its column."""
    return {field: table.c[field] for field in kind.__struct_fields__}


def record_of(row: sa.RowMapping) -> WindowRecord:
    return value_of(WindowRecord, WINDOW, row)


def finding_of(row: sa.RowMapping) -> Finding:
    return value_of(Finding, FINDING, row)


def alarm_of(row: sa.RowMapping) -> Alarm:
    alarm = value_of(Alarm, ALARM, row)
    return replace(alarm, evidence=msgspec.convert(alarm.evidence, Finding | None))
