"""Columns of Arrow as the contract's types read them: no value of one row depends on what stands in another.

A table's types are not the contract's: categories are written as numbers, numbers as text, and a column is null in one
batch and whole in the next. What is read here is as training reads it (training/data/coerce.py); what is no value of
the contract's type stays as it was given, for the encoder to refuse.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from service.bundle.contract import Column
from service.bundle.rows.table import Coded, Moments, Numbers, TableColumn
from service.bundle.rows.times import moment

#: float64 has every whole number up to here; beyond, a bound may be passed unseen.
EXACT = 2**53
TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def read_column(column: Column, values: pa.Array) -> TableColumn:
    """One column of a batch, for `encode_table`."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type) and column.type not in ("category", "boolean"):
        values = values.dictionary_decode()
    return _READERS[column.type](values)


def _read_numbers(values: pa.Array) -> TableColumn:
    numbers = _as_float64(values)
    if numbers is None:
        return _coded(values, _number)
    return Numbers(numbers, _original(values, _number))


def _as_float64(values: pa.Array) -> NDArray[np.float64] | None:
    """All of them at once, NaN for a null; None where each needs a closer look."""
    kind = values.type
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if pa.types.is_integer(kind) and _is_beyond(values):
        return None
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or _is_text(kind)):
        return None
    try:
        cast = pc.cast(values, pa.float64(), safe=False)
    except pa.ArrowInvalid:
        return None
    numbers: NDArray[np.float64] = cast.to_numpy(zero_copy_only=False)
    if _is_text(kind) and np.isnan(numbers).sum() != values.null_count:
        # The word `nan` is no null.
        return None
    return numbers


def _is_beyond(values: pa.Array) -> bool:
    ends = pc.min_max(values)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is not None and (low < -EXACT or high > EXACT)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _read_times(values: pa.Array) -> TableColumn:
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = _moments(values)
        if moments is not None:
            return Moments(moments, _original(values, _as_given), np.zeros(len(values), dtype=bool))
    if not _is_text(kind):
        return _coded(values, _as_given)
    coded = _coded(values, _as_given)
    distinct = np.array([*map(_moment_or_nat, coded.values), np.datetime64("NaT", "us")], "M8[us]")
    moments = distinct[coded.codes]
    unread = np.isnat(moments) & (coded.codes >= 0)
    return Moments(moments, _original(values, _as_given), unread)


def _moments(values: pa.Array) -> NDArray[np.datetime64] | None:
    """In UTC, as Arrow keeps what has a time zone; None where a time lies beyond the years that Python has."""
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp(values.type.unit))
    moments: NDArray[np.datetime64] = values.to_numpy(zero_copy_only=False)
    years = moments.astype("M8[Y]").astype(np.int64)[~np.isnat(moments)] + 1970
    if len(years) and not 1 <= years.min() <= years.max() <= 9999:
        return None
    return moments.astype("M8[us]")


def _moment_or_nat(value: Any) -> np.datetime64:
    try:
        return moment(value)
    except (ValueError, OverflowError):
        return np.datetime64("NaT", "us")


def _coded(values: pa.Array, read: Callable[[Any], Any]) -> Coded:
    """By their distinct values, each read once; NaN is a null."""
    if pa.types.is_nested(values.type):
        return _coded_one_by_one(values, read)
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if pa.types.is_null(values.type):
        return Coded(np.full(len(values), -1), [])
    encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(codes, [read(_plain(value)) for value in encoded.dictionary])


def _coded_one_by_one(values: pa.Array, read: Callable[[Any], Any]) -> Coded:
    """Lists and tables in cells, of which no two are compared."""
    codes = np.arange(len(values))
    codes[values.is_null().to_numpy(zero_copy_only=False)] = -1
    return Coded(codes, [read(_plain(value)) for value in values])


def _original(values: pa.Array, read: Callable[[Any], Any]) -> Callable[[int], Any]:
    return lambda row: read(_plain(values[row]))


def _plain(value: pa.Scalar) -> Any:
    """As Python has it, NaN as None; what Python cannot have, a time beyond its years, as text."""
    try:
        plain = value.as_py()
    except (ValueError, OverflowError):
        return f"{value.value} ({value.type})"
    if isinstance(plain, bytes):
        return plain.decode("utf-8", errors="replace")
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def _as_given(value: Any) -> Any:
    return value


def _number(value: Any) -> Any:
    """Digits as data frames write them; Python alone would take `1_000` and those of every script."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if not isinstance(value, str) or not value.isascii() or "_" in value:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def _category(value: Any) -> Any:
    """As text; a whole number that became a float for want of an integer null reads as written."""
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _boolean(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return TRUTH.get(str(value).strip().lower(), value)


_READERS: dict[str, Callable[[pa.Array], TableColumn]] = {
    "number": _read_numbers,
    "integer": _read_numbers,
    "category": lambda values: _coded(values, _category),
    "boolean": lambda values: _coded(values, _boolean),
    "timestamp": _read_times,
}
