"""A table by its source: an address with :// is a database, anything else a file or a glob of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def read_table(source: str, query: str, texts: Sequence[str]) -> pd.DataFrame:
    """All rows; TableError names what is wrong. Files' columns in `texts` are kept as written."""
    # pylint: disable=import-outside-toplevel  # a file needs no SQLAlchemy
    if "://" in source:
        from tables.sql import read_query

        return read_query(source, query)
    from tables.csv_and_parquet import read_files

    return read_files(source, list(texts))
