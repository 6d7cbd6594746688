"""Reads one CSV file as batches of texts, in constant memory."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow

from tables.csv_faults import find_fault
from tables.csv_format import MARKS, CsvFormat, csv_options
from tables.errors import TableError

#: What is parsed at a time. A row that is longer is refused, as a quote that is never closed makes one.
BLOCK_BYTES = 4 << 20


class CsvFile:
    """A file whose header was read: `names` are its columns, as pandas would name them."""

    written = True

    def __init__(self, path: Path, form: CsvFormat):
        self.path = path
        self.form = form._replace(encoding=_encoding(path, form))
        self.header, self._header_lines = self._read_header()
        self.names = _unlike(self.header)

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """These columns as texts; what stands for no value is null."""
        if not columns:
            return
        try:
            with self.path.open("rb") as file:
                yield from self._parsed(_Counted(file, self.form.quote), columns)
        except (pa.ArrowInvalid, UnicodeError) as error:
            # Arrow names no line; a second look, in Python, does.
            raise TableError(
                find_fault(self.path, self.form, self.names)
                or f"{self.path}: cannot be read: {error}"
            ) from error
        except OSError as error:
            raise TableError(f"{self.path}: cannot be read: {error.strerror or error}") from error

    def _parsed(self, file: _Counted, columns: list[str]) -> Iterator[pa.RecordBatch]:
        utf_8 = self.form.encoding == "utf-8-sig"
        reader = arrow.open_csv(
            pa.PythonFile(file, mode="r"),
            arrow.ReadOptions(
                column_names=self.names,
                skip_rows=self._header_lines,
                block_size=BLOCK_BYTES,
                encoding="utf8" if utf_8 else self.form.encoding,
            ),
            arrow.ParseOptions(
                delimiter=self.form.separator,
                quote_char=self.form.quote or False,
                newlines_in_values=bool(self.form.quote),
            ),
            arrow.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                include_columns=columns,
                null_values=list(self.form.missing),
                strings_can_be_null=True,
            ),
        )
        with reader:
            yield from reader
        if file.quotes % 2 and (fault := find_fault(self.path, self.form, self.names)):
            # Arrow closes at the end of the file what was left open there.
            raise TableError(fault)

    def _read_header(self) -> tuple[list[str], int]:
        """Its fields, and how many lines they take. Excel's first line `sep=;` is passed over."""
        try:
            with self.path.open(
                encoding=self.form.encoding, errors="surrogateescape", newline=""
            ) as file:
                rows = csv.reader(file, **csv_options(self.form))
                for row in rows:
                    if row and not _is_excel_hint(row):
                        return [field.strip() for field in row], rows.line_num
        except OSError as error:
            raise TableError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        except (csv.Error, UnicodeError) as error:
            raise TableError(
                find_fault(self.path, self.form, [])
                or f"{self.path}: line 1: cannot be read: {error}"
            ) from error
        raise TableError(f"{self.path}: is empty; a header and rows are needed")


class _Counted:
    """A file that counts the quotes which are read of it."""

    def __init__(self, file: BinaryIO, quote: str):
        self._file, self._quote, self.quotes = file, quote.encode(), 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.quotes += block.count(self._quote) if self._quote else 0
        return block

    def close(self) -> None:
        self.closed = True


def _encoding(path: Path, form: CsvFormat) -> str:
    """A byte order mark says more than a spec does, of this file at least."""
    try:
        with path.open("rb") as file:
            first = file.read(4)
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from error
    for mark, encoding in MARKS:
        if first.startswith(mark):
            return encoding
    return (
        "utf-8-sig"
        if form.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        else form.encoding
    )


def _is_excel_hint(row: list[str]) -> bool:
    text = ",".join(row).lower()
    return text.startswith("sep=") and len(text) <= 5


def _unlike(header: list[str]) -> list[str]:
    """Names that differ: a column without one has its place, one that stands twice a number."""
    named = [name or f"Unnamed: {place}" for place, name in enumerate(header)]
    seen: Counter[str] = Counter()
    names = []
    for name in named:
        again = seen[name]
        seen[name] += 1
        names.append(f"{name}.{again}" if again else name)
    return names
