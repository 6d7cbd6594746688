"""A table as one data frame, as training takes it: each column of one type over all batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tables.csv_format import CsvFormat
from tables.kinds import Kinds
from tables.source import open_table


def read_table(
    source: str,
    kinds: Kinds,
    form: CsvFormat = CsvFormat(),
    query: str = "",
    others: bool = False,
) -> pd.DataFrame:
    """All rows of the columns of `kinds` that the table has, and with `others` of all columns, as they are stored.

    TableError names what is wrong.
    """
    with open_table(source, form, query) as table:
        if others:
            kinds = {name: kinds.get(name, "stored") for name in table.names}
        names = [name for name in kinds if name in table.names]
        batches = list(table.batches(kinds))
    return pd.DataFrame(
        {name: _joined([batch.column(name) for batch in batches]) for name in names}
    )


def _joined(parts: Sequence[pa.Array]) -> pd.Series[Any]:
    """The values of all batches, whose types may differ where the kind is `stored` or a value cannot be read."""
    types = {part.type for part in parts} - {pa.null()}
    if not types:
        return pd.Series([None] * sum(map(len, parts)), dtype="float64")
    if len(types) > 1 and not all(map(_is_number, types)):
        return pd.Series([value for part in parts for value in part.to_pylist()], dtype=object)
    common = pa.float64() if len(types) > 1 else next(iter(types))
    chunks = [pc.cast(part, common, safe=False) for part in parts]
    series: pd.Series[Any] = pa.chunked_array(chunks, common).to_pandas()
    return series


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
