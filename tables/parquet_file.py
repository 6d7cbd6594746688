"""Reads one Parquet file as batches, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tables.errors import TableError

BATCH_ROWS = 65_536
#: A pandas index that was stored.
INDEX = re.compile(r"__index_level_\d+__")


class ParquetFile:
    """A file whose schema was read."""

    written = False

    def __init__(self, path: Path):
        self.path = path
        try:
            with parquet.ParquetFile(path) as file:
                names = file.schema_arrow.names
        except (OSError, pa.ArrowException) as error:
            raise TableError(f"{path}: cannot be read: {_first_line(error)}") from error
        self.names = [name for name in names if not INDEX.fullmatch(name)]

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """These columns as they are stored."""
        try:
            with parquet.ParquetFile(self.path) as file:
                yield from file.iter_batches(BATCH_ROWS, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise TableError(f"{self.path}: cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
