"""What stands in each column of a table, counted over all rows in one pass, in constant memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tables.csv_format import USUAL_MISSING, CsvFormat
from tables.kinds import as_kind

#: More different values than this are not told one by one.
MOST_VALUES = 10_000
#: A column is one of numbers, with some that cannot be read, from this share of them on.
MOSTLY = 0.5
#: What people write where there is no value, besides what pandas knows.
MARKS = frozenset(USUAL_MISSING) | {
    *("-", "--", "?", ".", "*", "\\N", "n.a.", "N.A.", "k.A.", "k. A.", "missing", "unknown"),
    *("none", "nan", "NIL", "nil", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!"),
}
#: Those of which hardly any is a category.
SIGNS = frozenset(("-", "--", "?", ".", "*", "\\N"))
_FOREIGN_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b.*")

Form = Literal["number", "boolean", "timestamp", "text", "other"]


class Column:  # pylint: disable=too-many-instance-attributes
    """What one column holds, counted batch by batch."""

    def __init__(self, name: str, is_written: bool, csv_format: CsvFormat):
        self.name = name
        self.rows = self.present = 0
        #: Counted apart, of any form.
        self.marks: Counter[str] = Counter()
        #: How often each stands there; None where there are too many.
        self.values: Counter[str] | None = Counter()
        #: Of a column that is mostly numbers, those that are none.
        self.strange: Counter[str] = Counter()
        self.minimum, self.maximum = np.inf, -np.inf
        self.is_whole = True
        #: Of the first batch's values, the share that differ, and how many words they have on average.
        self.distinct_share = self.words = -1.0
        self._csv_format, self._is_written = csv_format, is_written
        self._readable = self._times = self._booleans = 0
        self._is_other, self._rises = False, True
        self._last: Any = None

    @property
    def form(self) -> Form:
        if self._is_other:
            return "other"
        if self._readable + sum(self.strange.values()) == self.present and self._readable:
            return "number"
        if self._times == self.present and self._times:
            return "timestamp"
        return "boolean" if self._booleans == self.present and self._booleans else "text"

    @property
    def rises(self) -> bool:
        """Whether each number is greater than the one before, each time not before it."""
        return self._rises and self.present > 1

    @property
    def different(self) -> str:
        return str(len(self.values)) if self.values is not None else f"more than {MOST_VALUES:,}"

    @property
    def looks_like_dates(self) -> bool:
        texts = list(self.values or ())[:50]
        return self.form == "text" and bool(texts) and all(map(_FOREIGN_DATE.fullmatch, texts))

    def add(self, values: pa.Array) -> None:
        """One batch more."""
        self.rows += len(values)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if not _is_plain(values.type):
            self._is_other = True
            self.present += len(values) - values.null_count
            return
        if pa.types.is_floating(values.type):
            values = pc.if_else(pc.is_nan(values), None, values)
        if self._is_written:
            values = self._without_marks(values)
        present = values.drop_null()
        self.present += len(present)
        if len(present):
            self._count(present)

    def _without_marks(self, texts: pa.Array) -> pa.Array:
        marked = pc.is_in(texts, pa.array(sorted(MARKS - {""})))
        if not pc.any(marked).as_py():
            return texts
        self.marks.update(texts.filter(marked).to_pylist())
        return pc.if_else(marked, None, texts)

    def _count(self, present: pa.Array) -> None:
        if self.distinct_share < 0:
            self.distinct_share = len(pc.unique(present)) / len(present)
        if pa.types.is_boolean(present.type):
            self._booleans += len(present)
            self._count_values(present)
        elif pa.types.is_timestamp(present.type) or pa.types.is_date(present.type):
            self._add_times(present)
            self._count_values(present)
        elif not pa.types.is_string(present.type) and not pa.types.is_large_string(present.type):
            self._add_numbers(pc.cast(present, pa.float64(), safe=False), present)
        else:
            self._add_texts(present)

    def _add_texts(self, texts: pa.Array) -> None:
        if self.words < 0:
            self.words = float(np.mean([len(text.split()) for text in texts[:1000].to_pylist()]))
        is_text = self.values is None and not (self._readable or self._times)
        if is_text:
            return
        words = pc.unique(texts[:1000]).to_pylist()
        if all(word.strip().lower() in ("true", "false") for word in words):
            self._booleans += len(texts)
            self._count_values(texts)
        elif not self._times and not pa.types.is_string((numbers := self._numbers(texts)).type):
            self._add_numbers(numbers, texts)
        elif self._readable or self._mostly_numbers(texts):
            self._add_strange(texts)
        elif not self._readable and self._are_times(texts):
            self._add_times(as_kind(texts, "timestamp", self._csv_format))
            self._count_values(texts)
        else:
            self._count_values(texts)

    def _numbers(self, texts: pa.Array) -> pa.Array:
        return as_kind(texts, "number", self._csv_format)

    def _mostly_numbers(self, texts: pa.Array) -> bool:
        plain = pd.to_numeric(self._numbers(texts[:2000]).to_pandas(), errors="coerce")
        return bool(plain.notna().mean() >= MOSTLY)

    def _add_strange(self, texts: pa.Array) -> None:
        """A batch of numbers, and of something else."""
        numbers = pd.to_numeric(self._numbers(texts).to_pandas(), errors="coerce")
        readable = pa.array(numbers.notna())
        self.strange.update(texts.filter(pc.invert(readable)).to_pylist())
        self._add_numbers(pa.array(numbers[numbers.notna()]), texts.filter(readable))

    def _are_times(self, texts: pa.Array) -> bool:
        return bool(pa.types.is_timestamp(as_kind(texts, "timestamp", self._csv_format).type))

    def _add_times(self, times: pa.Array) -> None:
        self._times += len(times)
        self._follow(times.to_numpy(zero_copy_only=False).astype("datetime64[us]"), strictly=False)

    def _add_numbers(self, numbers: pa.Array, values: pa.Array) -> None:
        plain = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
        plain = plain[np.isfinite(plain)]
        self._readable += len(plain)
        if not plain.size:
            return
        self.minimum = min(self.minimum, float(plain.min()))
        self.maximum = max(self.maximum, float(plain.max()))
        self.is_whole = self.is_whole and bool((plain == np.floor(plain)).all())
        self._follow(plain, strictly=True)
        self._count_values(values)

    def _follow(self, values: Any, strictly: bool) -> None:
        """Whether the values rise from one to the next, over batches too."""
        if not self._rises:
            return
        line = values if self._last is None else np.concatenate([[self._last], values])
        steps = np.diff(line)
        zero = np.zeros(1, steps.dtype)
        self._rises = bool((steps > zero).all() if strictly else (steps >= zero).all())
        self._last = values[-1]

    def _count_values(self, values: pa.Array) -> None:
        if self.values is None:
            return
        counts = pc.value_counts(values)
        if len(counts) > MOST_VALUES:
            self.values = None
            return
        texts = as_kind(counts.field("values"), "text", self._csv_format).to_pylist()
        self.values.update(dict(zip(texts, counts.field("counts").to_pylist(), strict=True)))
        if len(self.values) > MOST_VALUES:
            self.values = None


def _is_plain(kind: pa.DataType) -> bool:
    checks = (
        *(pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating),
        *(pa.types.is_decimal, pa.types.is_string, pa.types.is_large_string),
        *(pa.types.is_timestamp, pa.types.is_date),
    )
    return any(check(kind) for check in checks)


def profile(
    names: Iterable[str], batches: Iterator[pa.RecordBatch], is_written: bool, form: CsvFormat
) -> list[Column]:
    """The columns of a table; `is_written` where its values are texts of CSV files, in this format."""
    columns = [Column(name, is_written, form) for name in names]
    for batch in batches:
        for column in columns:
            column.add(batch.column(column.name))
    return columns
