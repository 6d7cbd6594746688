"""The monitor's values as rows of its tables, and back."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from monitoring.findings.tables import plain
from monitoring.findings.values import Alarm, Finding, WindowRecord

#: Where a field is no column of the same name: `start`, `end` and `column` are words of SQL.
WINDOW_COLUMNS = {"start": "start_at", "end": "end_at", "first": "first_at", "last": "last_at"}
FINDING_COLUMNS = {"column": "column_name"}


def cells_of(value: msgspec.Struct, names: dict[str, str]) -> dict[str, Any]:
    """A value as a row. What is no finite number is none: PostgreSQL would keep it, SQLite not.

    Of a text with a NUL, which PostgreSQL does not take, all else is kept.
    """
    cells = {
        names.get(name, name): plain(cell) if isinstance(cell, np.generic) else cell
        for name, cell in msgspec.structs.asdict(value).items()
    }
    return {name: _kept(cell) for name, cell in cells.items()}


def _kept(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def record_of(cells: Any) -> WindowRecord:
    return WindowRecord(
        **{
            field: cells[WINDOW_COLUMNS.get(field, field)]
            for field in WindowRecord.__struct_fields__
        }
    )


def unprefixed(cells: Any) -> dict[str, Any]:
    return {name.removeprefix("f_"): cell for name, cell in cells.items() if name.startswith("f_")}


def finding_of(cells: Any) -> Finding:
    names = {field: FINDING_COLUMNS.get(field, field) for field in Finding.__struct_fields__}
    return Finding(**{field: cells[name] for field, name in names.items() if name in cells})


def alarm_of(cells: Any) -> Alarm:
    names = {field: FINDING_COLUMNS.get(field, field) for field in Alarm.__struct_fields__}
    values = {field: cells[name] for field, name in names.items()}
    if values["evidence"] is not None:
        values["evidence"] = msgspec.convert(values["evidence"], Finding)
    return Alarm(**values)
