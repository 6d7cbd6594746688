"""The rules for how CSV files are written: each key by itself, and only where files are CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tables.address import public
from tables.csv_format import CsvFormat
from training.spec.values import Data

_NO_CSV = re.compile(r"sample:|.*://|.*\.parquet$", re.DOTALL)


def csv_problems(data: Data) -> Iterator[str]:
    for key, problem in data.form.problems():
        yield f"data.{key}: {problem}"
    if _NO_CSV.match(data.source):
        usual = CsvFormat()
        for key in CsvFormat._fields:
            if getattr(data.form, key) != getattr(usual, key):
                where = public(data.source)
                yield f"data.{key}: given for {where}; allowed: only for CSV files"
