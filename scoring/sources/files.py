"""Files of Parquet or CSV, one or all that a glob names, read from any row on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.errors import ScoringError
from scoring.predictor import Batch
from scoring.sources.span import BATCH_ROWS, Span, cut, runs
from scoring.unfinished import PART_ROWS, Part
from service.bundle.contract import Contract
from tables.csv_format import CsvFormat
from tables.errors import refuse_repeated
from tables.source import files_of

#: What is read of a file at a time, in place of whole chunks of columns.
BUFFER_BYTES = 1 << 20


class File(Protocol):
    """`rows` is None where only reading it tells."""

    @property
    def names(self) -> list[str]: ...
    @property
    def rows(self) -> int | None: ...
    def type_of(self, name: str) -> pa.DataType: ...
    def batches(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]: ...


class Files:
    """In the order of their names."""

    def __init__(
        self,
        pattern: str,
        contract: Contract,
        form: CsvFormat = CsvFormat(),
        part_rows: int = PART_ROWS,
    ):
        self.name, self.part_rows = pattern, part_rows
        self.paths = files_of(pattern)
        #: Then each file counts its own rows.
        self.is_several = bool(re.search(r"[*?\[]", pattern)) and self.paths != [Path(pattern)]
        numbers = {
            column.name for column in contract.columns if column.type in ("number", "integer")
        }
        self._files: list[File] = [_opened(path, form, numbers) for path in self.paths]
        #: How CSV is written decides what is read of it.
        self.options = (
            {"format": form._asdict()} if any(file.rows is None for file in self._files) else {}
        )

    @property
    def identity(self) -> list[tuple[str, int, int]]:
        """What changes when a file does."""
        stats = [(path, path.stat()) for path in self.paths]
        return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats]

    @property
    def total(self) -> int | None:
        """All rows, if that is known."""
        counts = [file.rows for file in self._files]
        return None if None in counts else sum(count or 0 for count in counts)

    #: Another content is another identity.
    tells_changes = True

    def names(self) -> Iterator[tuple[str, list[str]]]:
        """The columns of each file."""
        for path, file in zip(self.paths, self._files, strict=True):
            yield str(path), file.names

    def type_of(self, name: str) -> pa.DataType:
        """The type of an identifier, which has to be in all files alike."""
        without = [
            str(path)
            for path, file in zip(self.paths, self._files, strict=True)
            if name not in file.names
        ]
        if without:
            raise ScoringError(
                f"ID={name}: {without[0]} has no such column; name one of the table's, or leave ID out"
            )
        types = list(dict.fromkeys(file.type_of(name) for file in self._files))
        if len(types) > 1:
            raise ScoringError(
                f"ID={name}: is {' in one file and '.join(map(str, types))} in another of {self.name}; allowed is a"
                " column of one type"
            )
        return types[0]

    def spans(self, done: Collection[Part]) -> Iterator[Span]:
        for number, file in enumerate(self._files):
            if file.rows is None:
                # Read from its beginning to be counted: its first parts are done, one after the other.
                first = 0
                while Part(number, first) in done:
                    first += 1
                yield Span(number, first)
            else:
                parts = range(-(-file.rows // self.part_rows))
                yield from runs(number, [part for part in parts if Part(number, part) not in done])

    def batches(self, span: Span, columns: Sequence[str]) -> Iterator[Batch]:
        file, path = self._files[span.file], self.paths[span.file]
        present = [name for name in columns if name in file.names]
        row = span.first * self.part_rows
        try:
            for rows in file.batches(present, row):
                for batch in cut(rows, row, self.part_rows, str(path) if self.is_several else ""):
                    if span.end is not None and batch.start >= span.end * self.part_rows:
                        return
                    yield batch
                row += len(rows)
        except (OSError, pa.ArrowException) as error:
            raise ScoringError(f"{path}: cannot be read at row {row}: {error}") from error

    def last(self, _batch: Batch) -> None:
        """Rows are told by their place alone."""

    def close(self) -> None:
        """Each file is open only while it is read."""


def _opened(path: Path, form: CsvFormat, numbers: Collection[str]) -> File:
    return ParquetRows(path) if path.suffix == ".parquet" else CsvRows(path, form, numbers)


class ParquetRows:
    """A file that says how many rows it has, and gives its columns as they are stored."""

    def __init__(self, path: Path):
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self._schema: pa.Schema = file.schema_arrow
                self.rows: int | None = file.metadata.num_rows
        except (OSError, pa.ArrowException) as error:
            raise ScoringError(f"{path}: cannot be read: {error}") from error
        self.names: list[str] = self._schema.names

    def type_of(self, name: str) -> pa.DataType:
        self._refuse_repeated([name])
        return self._schema.field(name).type

    def batches(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """From a row on, by the first row group that has it."""
        self._refuse_repeated(columns)
        with pq.ParquetFile(self._path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
            groups, skipped = list(range(file.num_row_groups)), 0
            while (
                groups and skipped + (rows := file.metadata.row_group(groups[0]).num_rows) <= start
            ):
                skipped += rows
                groups.pop(0)
            surplus = start - skipped
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=[*columns]):
                if surplus < len(batch):
                    yield batch.slice(surplus)
                surplus = max(0, surplus - len(batch))

    def _refuse_repeated(self, columns: Sequence[str]) -> None:
        refuse_repeated([name for name in self.names if name in columns], str(self._path))


class CsvRows:
    """A file of texts; numbers are plainly written in what is given of it."""

    rows: int | None = None

    def __init__(self, path: Path, form: CsvFormat, numbers: Collection[str]):
        # pylint: disable-next=import-outside-toplevel  # Parquet needs none of it
        from tables.csv_file import CsvFile

        self._file, self._form = CsvFile(path, form), form
        self._numbers = set(numbers) if (form.decimal, form.thousands) != (".", "") else set()
        self.names = self._file.names

    def type_of(self, _name: str) -> pa.DataType:
        return pa.string()

    def batches(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        for batch in self._file.batches([*columns]):
            if start < len(batch):
                yield self._plain(batch.slice(start))
            start = max(0, start - len(batch))

    def _plain(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._numbers:
            return batch
        # pylint: disable-next=import-outside-toplevel  # only another decimal sign needs it
        from tables.kinds import as_kind

        columns = {
            name: as_kind(values, "number", self._form) if name in self._numbers else values
            for name, values in zip(batch.schema.names, batch.columns, strict=True)
        }
        return pa.record_batch(columns)
