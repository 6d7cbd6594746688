"""The table that is scored: one file or all that a glob names, read from any row on, a batch at a time."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.errors import ScoringError
from scoring.predictor import Batch
from scoring.unfinished import PART_ROWS

#: Rows that are encoded and predicted at once.
BATCH_ROWS = 1 << 15
#: What is read of a file at a time, in place of whole chunks of columns.
BUFFER_BYTES = 1 << 20
SUFFIXES = (".parquet",)


class Files:
    """Files of one kind, in the order of their names."""

    def __init__(self, pattern: str, part_rows: int = PART_ROWS):
        self.pattern, self.part_rows = pattern, part_rows
        self.is_glob = bool(re.search(r"[*?\[]", pattern))
        self.paths = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
        if not self.paths:
            raise ScoringError(
                f"SOURCE={pattern}: no such file in {Path.cwd()}; a source is a .parquet or .csv file, a glob of them,"
                " or a database (postgresql://...) with QUERY="
            )
        for path in self.paths:
            if path.suffix not in SUFFIXES:
                raise ScoringError(
                    f"SOURCE={path}: given a file ending in {path.suffix!r}; allowed: {', '.join(SUFFIXES)}"
                )
        try:
            self._schemas = [pq.read_schema(path) for path in self.paths]
            self._rows: list[int] = [pq.read_metadata(path).num_rows for path in self.paths]
        except (OSError, pa.ArrowException) as error:
            raise ScoringError(f"SOURCE={pattern}: cannot be read: {error}") from error

    @property
    def identity(self) -> list[tuple[str, int, int]]:
        """What changes when a file does."""
        stats = [(path, path.stat()) for path in self.paths]
        return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats]

    @property
    def total(self) -> int | None:
        """All rows."""
        return sum(self._rows)

    def rows(self, file: int) -> int | None:
        return self._rows[file]

    def type_of(self, name: str) -> pa.DataType:
        """The type of an identifier, which has to be in all files alike."""
        types = {str(schema.field(name).type) for schema in self._schemas if name in schema.names}
        if len(types) != 1 or any(name not in schema.names for schema in self._schemas):
            raise ScoringError(
                f"ID={name}: {self.pattern} has no such column in each file, or of several types"
                f" ({', '.join(sorted(types)) or 'none'}); name one that is the same in all"
            )
        return self._schemas[0].field(name).type

    def names(self) -> Iterator[tuple[str, list[str]]]:
        """The columns of each file."""
        yield from ((str(path), schema.names) for path, schema in zip(self.paths, self._schemas))

    def batches(self, file: int, columns: Sequence[str], start: int) -> Iterator[Batch]:
        """The rows of one file from this one on, none of a batch in two parts."""
        path = self.paths[file]
        present = [name for name in columns if name in self._schemas[file].names]
        row = start
        try:
            for rows in _from_parquet(path, present, start):
                for cut in _cut(rows, row, self.part_rows):
                    yield Batch(*cut, str(path) if self.is_glob else "")
                row += len(rows)
        except (OSError, pa.ArrowException) as error:
            raise ScoringError(f"{path}: cannot be read at row {row}: {error}") from error


def _cut(rows: pa.RecordBatch, start: int, part_rows: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The batch, cut where a part ends."""
    while len(rows):
        room = part_rows - start % part_rows
        yield rows.slice(0, room), start
        rows, start = rows.slice(room), start + min(room, len(rows))


def _from_parquet(path: Path, columns: list[str], start: int) -> Iterator[pa.RecordBatch]:
    """From a row on, by the first row group that has it."""
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
        groups, skipped = list(range(file.num_row_groups)), 0
        while groups and skipped + (rows := file.metadata.row_group(groups[0]).num_rows) <= start:
            skipped += rows
            groups.pop(0)
        surplus = start - skipped
        for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=columns):
            yield batch.slice(surplus)
            surplus = max(0, surplus - len(batch))
