"""What is wrong with a CSV file, and in which line: looked for only where reading it failed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tables.csv_format import CsvFormat, csv_options

#: A field of this length is no value: a quote was opened before it and never closed.
LONGEST_FIELD = 4 << 20
#: How Python's decoders hand over a byte that they cannot read.
UNREADABLE = re.compile("[\udc80-\udcff]")


class _Fault(Exception):
    """A line that cannot be decoded."""


def find_fault(path: Path, form: CsvFormat, names: list[str]) -> str:
    """The first fault, as a sentence that begins with file and line; empty where there is none.

    `form.encoding` is that of this file, and `names` are its columns, or none where the header cannot be read.
    """
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open(encoding=form.encoding, errors="surrogateescape", newline="") as file:
            fault = next(_faults(file, form, len(names)), "")
    except _Fault as error:
        fault = str(error)
    except UnicodeError as error:
        fault = f"is not {form.encoding}: {error}; {_ADVICE}"
    return f"{path}: {fault}" if fault else ""


_ADVICE = "say how it is encoded, as in encoding = 'latin-1', or save it as UTF-8"


def _faults(file: TextIO, form: CsvFormat, columns: int) -> Iterator[str]:
    rows = csv.reader(_lines(file, form.encoding), strict=True, **csv_options(form))
    start = 1
    try:
        for row in rows:
            end = rows.line_num
            if row and columns and len(row) != columns:
                yield _ragged(row, columns, start, end, is_last=not file.read(1))
            start = end + 1
    except csv.Error as error:
        yield f"line {start}: {_QUOTES.get(str(error)[:12]) or error}"


#: What Python's reader says of quotes, by how it begins.
_QUOTES = {
    "unexpected e": "a quote is opened here and never closed",
    "field larger": f"a quote is opened here and not closed within {LONGEST_FIELD >> 20} MB",
}


def _lines(file: TextIO, encoding: str) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if unreadable := UNREADABLE.search(line):
            byte = ord(unreadable[0]) - 0xDC00
            raise _Fault(
                f"line {number}: byte 0x{byte:02x} at column {unreadable.start() + 1} is not"
                f" {encoding.removesuffix('-sig').upper()}; {_ADVICE}"
            )
        yield line


def _ragged(row: list[str], columns: int, start: int, end: int, is_last: bool) -> str:
    fields = f"line {start}: has {len(row)} fields, the header {columns}"
    if end > start:
        return f"{fields}; a quote that is opened there is closed in line {end} only"
    return f"{fields}; the file looks cut off" if is_last and len(row) < columns else fields
