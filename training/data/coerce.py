"""Each column of a frame as its contract's type, and the values that cannot be read so."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from service.bundle.contract import Column
from training.spec.values import Spec


class Coerced(NamedTuple):
    """A frame with each column as its contract's type; `unreadable` marks the values of `source` that have none."""

    frame: pd.DataFrame
    unreadable: pd.DataFrame
    source: pd.DataFrame


def coerce(spec: Spec, frame: pd.DataFrame) -> Coerced:
    columns = {
        column.name: _coerce_column(column, frame[column.name])
        for column in spec.inputs
        if column.name in frame
    }
    if spec.source.time in frame and spec.source.time not in columns:
        moments = Column(name=spec.source.time, type="timestamp")
        columns[moments.name] = _coerce_column(moments, frame[moments.name])
    columns |= (
        {spec.source.target: _coerce_target(spec, frame)} if spec.source.target in frame else {}
    )
    typed = frame.assign(**columns)
    unreadable = pd.DataFrame(
        {name: frame[name].notna() & typed[name].isna() for name in columns}, index=frame.index
    )
    return Coerced(typed, unreadable, frame)


def _coerce_column(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    if column.type in ("number", "integer"):
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        whole = numbers if column.type == "number" else numbers.where(numbers == np.floor(numbers))
        return whole.where(~np.isinf(whole))
    if column.type == "timestamp":
        return pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(
            None
        )
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if column.type == "boolean":
        if kind == "boolean":
            return values.astype(object)
        words = values.map(lambda value: str(value).strip().lower() if pd.notna(value) else None)
        return words.map(
            {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
        ).astype(object)
    if kind == "string":
        return values.astype(object)
    return values.map(lambda value: value if pd.isna(value) else as_text(value)).astype(object)


def as_text(value: Any) -> str:
    """A category as text: a whole number that became a float for want of an integer null reads as written."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _coerce_target(spec: Spec, frame: pd.DataFrame) -> pd.Series[Any]:
    values = frame[spec.source.target]
    if spec.task == "classification":
        return values.map(lambda value: value if pd.isna(value) else as_text(value)).astype(object)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(~np.isinf(numbers))
