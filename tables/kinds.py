"""A column's values as the kind that its reader asks for: numbers, texts, booleans or times.

Without a kind, a type would be guessed batch by batch: a column of numbers that is empty in one batch and whole in the
next would change its type on the way. Where a value cannot be read as its kind, the column of that batch stays text,
in which what can be read is written plainly ("3.5" for "3,5"), so that the reader names the others as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tables.csv_format import CsvFormat

#: `stored`: as Parquet and databases have it; of a CSV file a number or boolean where all values of the batch are one.
Kind = Literal["number", "text", "boolean", "timestamp", "stored"]
Kinds = Mapping[str, Kind]

TYPES: dict[Kind, pa.DataType] = {
    "number": pa.float64(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_TRUE, _FALSE = pa.array(["true", "1", "1.0"]), pa.array(["false", "0", "0.0"])


def typed_batch(
    batch: pa.RecordBatch, kinds: Kinds, form: CsvFormat, written: bool
) -> pa.RecordBatch:
    """The columns of `kinds`, each as its kind; `written` where all are texts of a CSV file."""
    columns = {}
    for name, kind in kinds.items():
        if name not in batch.schema.names:
            columns[name] = pa.nulls(batch.num_rows, TYPES.get(kind, pa.null()))
        elif written and kind == "stored":
            columns[name] = _guessed(batch.column(name), form)
        else:
            columns[name] = as_kind(batch.column(name), kind, form)
    return pa.record_batch(columns)


def as_kind(values: pa.Array, kind: Kind, form: CsvFormat) -> pa.Array:
    """The same values as `TYPES[kind]`, or as text where one of them cannot be read so.

    `form` says how numbers are written in texts.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return values if kind == "stored" else pa.nulls(len(values), TYPES[kind])
    return _READERS[kind](values, form)


def _is_text(values: pa.Array) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _numbers(values: pa.Array, form: CsvFormat) -> pa.Array:
    if not _is_text(values):
        return _cast(values, pa.float64()) if _is_numeric(values.type) else _texts(values, form)
    if form.decimal == "." and not form.thousands:
        try:
            return pc.cast(values, pa.float64())
        except pa.ArrowInvalid:
            pass
    plain, readable = _plain_numbers(values, form)
    if pc.all(readable).as_py() is False:
        return pc.if_else(readable, plain, values)
    return pc.cast(plain, pa.float64())


def _plain_numbers(values: pa.Array, form: CsvFormat) -> tuple[pa.Array, pa.Array]:
    """Texts as numbers are usually written, and which of them are numbers in this format.

    A thousands' sign has to stand before each three digits: else the date 01.02.2026 would be a number.
    """
    plain = pc.utf8_trim_whitespace(values)
    shape = _NUMBER if form.decimal == "." else _NUMBER.replace(r"\.", ",")
    readable = pc.match_substring_regex(plain, shape)
    if form.thousands:
        sign, point = re.escape(form.thousands), re.escape(form.decimal)
        grouped = rf"^[+-]?[0-9]{{1,3}}({sign}[0-9]{{3}})+({point}[0-9]*)?$"
        readable = pc.or_(readable, pc.match_substring_regex(plain, grouped))
        plain = pc.if_else(readable, pc.replace_substring(plain, form.thousands, ""), plain)
    if form.decimal != ".":
        plain = pc.if_else(readable, pc.replace_substring(plain, form.decimal, "."), plain)
    return plain, readable


def _texts(values: pa.Array, _: CsvFormat) -> pa.Array:
    """A whole number that became a float for want of an integer null reads as written."""
    if _is_text(values) or pa.types.is_integer(values.type):
        return pc.cast(values, pa.string())
    return pa.array([_text(value) for value in values.to_pylist()], pa.string())


def _text(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _booleans(values: pa.Array, form: CsvFormat) -> pa.Array:
    if pa.types.is_boolean(values.type):
        return values
    words = pc.utf8_lower(pc.utf8_trim_whitespace(_texts(values, form)))
    true, false = pc.is_in(words, _TRUE), pc.is_in(words, _FALSE)
    readable = pc.or_(pc.or_(true, false), pc.is_null(words))
    if not pc.all(readable).as_py():
        return _texts(values, form)
    return pc.if_else(pc.is_null(words), pa.scalar(None, pa.bool_()), true)


def _times(values: pa.Array, form: CsvFormat) -> pa.Array:
    """Without a time zone, in UTC."""
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return _cast(values, pa.timestamp("us"))
    texts = _texts(values, form)
    moments = pd.to_datetime(
        texts.to_pandas(), errors="coerce", utc=True, format="ISO8601"
    ).dt.tz_localize(None)
    if (moments.isna() & ~texts.to_pandas().isna()).any():
        return texts
    return pa.array(moments.astype("datetime64[us]"), pa.timestamp("us"), from_pandas=True)


def _stored(values: pa.Array, _: CsvFormat) -> pa.Array:
    if pa.types.is_decimal(values.type):
        return _cast(values, pa.float64())
    return values


def _guessed(values: pa.Array, form: CsvFormat) -> pa.Array:
    """Texts of a CSV file as whole numbers, numbers or booleans where all are that."""
    if values.null_count == len(values):
        return pa.nulls(len(values))
    words = pc.unique(values.slice(0, 1000)).drop_null().to_pylist()
    if all(word.lower() in ("true", "false") for word in words):
        return _booleans(values, form)
    numbers = _numbers(values, form)
    if not pa.types.is_floating(numbers.type):
        return values
    try:
        return pc.cast(values, pa.int64())
    except pa.ArrowInvalid:
        return numbers


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.cast(values, kind, safe=False)


_READERS: dict[Kind, Any] = {
    "number": _numbers,
    "text": _texts,
    "boolean": _booleans,
    "timestamp": _times,
    "stored": _stored,
}
