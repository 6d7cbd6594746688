"""How a CSV file is written: separator, decimal sign, encoding and so on, and which of it can be read."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import Any, NamedTuple

#: What pandas takes for no value.
USUAL_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
DECIMALS = (".", ",")
#: The last three are spaces, of which two do not break a line; some programs write a typographic apostrophe.
THOUSANDS = ("", ",", ".", "'", "’", "_", " ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")
#: What a file says of itself in its first bytes; it goes before `encoding`.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class CsvFormat(NamedTuple):
    """The usual one, where nothing is given. Files of Parquet and databases have none."""

    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8"
    quote: str = '"'
    #: The texts that stand for no value, as they are between two separators.
    missing: tuple[str, ...] = USUAL_MISSING

    def problems(self) -> Iterator[tuple[str, str]]:
        """Each field that cannot be, with what was given and what is allowed."""
        if not _is_sign(self.separator) or self.separator in (self.quote, "."):
            yield "separator", f"given {self.separator!r}; allowed: one sign such as ',', ';', '|' or '\\t'"
        if self.decimal not in DECIMALS:
            yield "decimal", f"given {self.decimal!r}; allowed: '.' or ','"
        if self.thousands not in THOUSANDS or self.thousands == self.decimal:
            signs = ", ".join(repr(sign) for sign in THOUSANDS if sign != self.decimal)
            yield "thousands", f"given {self.thousands!r}; with decimal = {self.decimal!r} allowed: {signs}"
        if not _is_encoding(self.encoding):
            yield "encoding", (
                f"given {self.encoding!r}; allowed: what Python knows, such as 'utf-8', 'latin-1', 'cp1252', 'utf-16'"
            )
        if self.quote and not _is_sign(self.quote):
            yield "quote", f"given {self.quote!r}; allowed: one sign such as '\"', or '' where nothing is quoted"
        if any("\n" in mark or "\r" in mark for mark in self.missing):
            yield "missing", f"given {list(self.missing)!r}; allowed: texts without the end of a line"


def _is_sign(text: str) -> bool:
    """One byte for the reader, and none that numbers or words are made of."""
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in "\r\n\0"


def _is_encoding(name: str) -> bool:
    try:
        return bool(" ".encode(name))
    except (LookupError, ValueError):
        return False


def csv_options(form: CsvFormat) -> dict[str, Any]:
    """The same format for Python's own reader."""
    quoting = csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE
    return {"delimiter": form.separator, "quotechar": form.quote or None, "quoting": quoting}
