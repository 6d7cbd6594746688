"""Proposes how a CSV file is written: encoding, separator, quote, and the signs in its numbers.

Which texts stand for no value is not among it: they are seen only among the values of whole columns.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tables.csv_format import MARKS, CsvFormat, csv_options
from tables.errors import TableError
from tables.number_signs import signs_of

SEPARATORS = (",", ";", "\t", "|")
QUOTES = ('"', "'")
#: How much is looked at: of the beginning, and of so many places that are spread over the rest.
PIECE_BYTES, PLACES = 1 << 16, 8
ROWS = 500

#: Bytes that are signs in cp1252 and control characters in latin-1, and those that cp1252 lacks.
_CP1252 = re.compile(rb"[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]")
_CP1252_LACKS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def detect_format(path: Path) -> CsvFormat:
    """The format of a file; TableError where it cannot be opened or is empty."""
    try:
        encoding = detect_encoding(path)
        head, *others = [
            piece.decode(encoding, errors="replace")
            for piece in _pieces(path, 2 if encoding.startswith("utf-16") else 1)
        ]
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from error
    head = re.sub(r'\A\ufeff?("?sep=."?\r?\n)?', "", head, flags=re.IGNORECASE)
    if not head.strip():
        raise TableError(f"{path}: is empty; a header and rows are needed")
    layout = _layout(head)
    rows = _rows(head, others, layout)
    decimal, thousands = signs_of(list(zip(*rows, strict=True)), layout.separator)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    return layout._replace(decimal=decimal, thousands=thousands, encoding=encoding)


def detect_encoding(path: Path) -> str:
    """By its byte order mark; UTF-8 where all of it is; else one of western Europe's."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf_8, western, lacking, even, odd = True, False, False, 0, 0
    with path.open("rb") as file:
        first = file.read(4)
        file.seek(0)
        while block := file.read(1 << 20):
            even, odd = even + block[::2].count(0), odd + block[1::2].count(0)
            western = western or bool(_CP1252.search(block))
            lacking = lacking or bool(_CP1252_LACKS.search(block))
            is_utf_8 = is_utf_8 and _decodes(decoder, block)
    for mark, encoding in MARKS:
        if first.startswith(mark):
            return encoding
    if even or odd:
        # Of Latin letters, every other byte is zero.
        return "utf-16-le" if odd > even else "utf-16-be"
    if is_utf_8 and _decodes(decoder, b"", final=True):
        return "utf-8"
    return "cp1252" if western and not lacking else "latin-1"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _pieces(path: Path, width: int) -> Iterator[bytes]:
    """The beginning and other places of a file whose characters have `width` bytes."""
    size = path.stat().st_size
    step = max(PIECE_BYTES, (size - PIECE_BYTES) // PLACES // width * width)
    with path.open("rb") as file:
        for place in range(PLACES + 1):
            file.seek(place * step)
            if piece := file.read(PIECE_BYTES):
                yield piece
            elif place == 0:
                yield b""


def _layout(head: str) -> CsvFormat:
    """Separator and quote by which most rows have as many fields as the header; of those, the ones with most fields."""
    layouts = [
        CsvFormat(separator=separator, quote=quote) for quote in QUOTES for separator in SEPARATORS
    ]
    agreements = {layout: _agreement(head, layout) for layout in layouts}
    # The first of equals: a comma, and a double quote.
    return max(layouts, key=agreements.__getitem__)


def _agreement(head: str, layout: CsvFormat) -> tuple[float, int]:
    """The share of rows with as many fields as the first, and how many; nothing where it separates none."""
    rows = _whole_rows(head, layout)
    fields = len(rows[0]) if rows else 0
    if fields < 2 or _other_quote_stays(rows, layout.quote):
        return 0.0, 0
    return round(sum(len(row) == fields for row in rows) / len(rows), 2), fields


def _other_quote_stays(rows: Sequence[Sequence[str]], quote: str) -> bool:
    """Whether many values have the other quote around them still."""
    (other,) = set(QUOTES) - {quote}
    cells = [cell for row in rows for cell in row if cell]
    quoted = sum(len(cell) > 1 and cell[0] == cell[-1] == other for cell in cells)
    return quoted > len(cells) / 4


def _whole_rows(text: str, layout: CsvFormat) -> list[list[str]]:
    """The rows of a piece, without its last, which may be cut off."""
    lines = csv.reader(text.splitlines(keepends=True), **csv_options(layout))
    try:
        rows = [row for row in islice(lines, ROWS + 1) if row]
    except csv.Error:
        return []
    is_whole = len(rows) < 2 or text.endswith(("\n", "\r"))
    return rows if is_whole else rows[:-1]


def _rows(head: str, others: Sequence[str], layout: CsvFormat) -> list[list[str]]:
    """Rows below the header, of all pieces, as long as it; the first line of a piece may be cut off."""
    header, *rows = _whole_rows(head, layout) or [[]]
    for piece in others:
        rows += _whole_rows(piece, layout)[1:]
    return [row for row in rows if len(row) == len(header)]
