"""What stands in each column of a table, counted over all rows in one pass, in constant memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

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


class Column(NamedTuple):
    """`values` counts each, or is None where there are too many; `marks` are counted apart, of any form."""

    name: str
    form: Form
    rows: int
    present: int
    marks: Counter[str]
    values: Counter[str] | None
    #: Of a column that is mostly numbers, those that are none.
    strange: Counter[str]
    minimum: float = 0.0
    maximum: float = 0.0
    is_whole: bool = False
    #: Whether each number is greater than the one before, each time not before it.
    rises: bool = False
    #: Of the first batch's values, the share that differ, and how many words they have on average.
    distinct_share: float = 0.0
    words: float = 0.0

    @property
    def different(self) -> str:
        return str(len(self.values)) if self.values is not None else f"more than {MOST_VALUES:,}"

    @property
    def looks_like_dates(self) -> bool:
        texts = list(self.values or ())[:50]
        return self.form == "text" and bool(texts) and all(map(_FOREIGN_DATE.fullmatch, texts))


class Counting:  # pylint: disable=too-many-instance-attributes
    """Counts the batches of one column."""

    def __init__(self, name: str, is_written: bool, form: CsvFormat):
        self._name, self._form, self._is_written = name, form, is_written
        self._rows = self._present = self._readable = self._times = self._booleans = 0
        self._marks: Counter[str] = Counter()
        self._strange: Counter[str] = Counter()
        self._values: Counter[str] | None = Counter()
        self._least, self._most = np.inf, -np.inf
        self._is_whole = self._rises = True
        self._last: Any = None
        self._distinct_share = self._words = -1.0
        self._other = False

    def add(self, values: pa.Array) -> None:
        """One batch more."""
        self._rows += len(values)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if not _is_plain(values.type):
            self._other = True
            self._present += len(values) - values.null_count
            return
        if pa.types.is_floating(values.type):
            values = pc.if_else(pc.is_nan(values), None, values)
        if self._is_written:
            values = self._without_marks(values)
        present = values.drop_null()
        self._present += len(present)
        if len(present):
            self._count(present)

    def _without_marks(self, texts: pa.Array) -> pa.Array:
        marked = pc.is_in(texts, pa.array(sorted(MARKS - {""})))
        if not pc.any(marked).as_py():
            return texts
        self._marks.update(texts.filter(marked).to_pylist())
        return pc.if_else(marked, None, texts)

    def _count(self, present: pa.Array) -> None:
        if self._distinct_share < 0:
            self._distinct_share = len(pc.unique(present)) / len(present)
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
        if self._words < 0:
            self._words = float(np.mean([len(text.split()) for text in texts[:1000].to_pylist()]))
        is_text = self._values is None and not (self._readable or self._times)
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
            self._add_times(as_kind(texts, "timestamp", self._form))
            self._count_values(texts)
        else:
            self._count_values(texts)

    def _numbers(self, texts: pa.Array) -> pa.Array:
        return as_kind(texts, "number", self._form)

    def _mostly_numbers(self, texts: pa.Array) -> bool:
        plain = pd.to_numeric(self._numbers(texts[:2000]).to_pandas(), errors="coerce")
        return bool(plain.notna().mean() >= MOSTLY)

    def _add_strange(self, texts: pa.Array) -> None:
        """A batch of numbers, and of something else."""
        numbers = pd.to_numeric(self._numbers(texts).to_pandas(), errors="coerce")
        readable = pa.array(numbers.notna())
        self._strange.update(texts.filter(pc.invert(readable)).to_pylist())
        self._add_numbers(pa.array(numbers[numbers.notna()]), texts.filter(readable))

    def _are_times(self, texts: pa.Array) -> bool:
        return bool(pa.types.is_timestamp(as_kind(texts, "timestamp", self._form).type))

    def _add_times(self, times: pa.Array) -> None:
        self._times += len(times)
        self._follow(times.to_numpy(zero_copy_only=False).astype("datetime64[us]"), strictly=False)

    def _add_numbers(self, numbers: pa.Array, values: pa.Array) -> None:
        plain = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
        plain = plain[np.isfinite(plain)]
        self._readable += len(plain)
        if not plain.size:
            return
        self._least, self._most = min(self._least, plain.min()), max(self._most, plain.max())
        self._is_whole = self._is_whole and bool((plain == np.floor(plain)).all())
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
        if self._values is None:
            return
        counts = pc.value_counts(values)
        if len(counts) > MOST_VALUES:
            self._values = None
            return
        texts = as_kind(counts.field("values"), "text", self._form).to_pylist()
        self._values.update(dict(zip(texts, counts.field("counts").to_pylist(), strict=True)))
        if len(self._values) > MOST_VALUES:
            self._values = None

    def column(self) -> Column:
        rises = self._rises and self._present > 1
        return Column(
            *(self._name, self._seen(), self._rows, self._present, self._marks),
            *(self._values, self._strange, float(self._least), float(self._most)),
            *(self._is_whole, rises, max(self._distinct_share, 0.0), max(self._words, 0.0)),
        )

    def _seen(self) -> Form:
        if self._other:
            return "other"
        if self._readable + sum(self._strange.values()) == self._present and self._readable:
            return "number"
        if self._times == self._present and self._times:
            return "timestamp"
        return "boolean" if self._booleans == self._present and self._booleans else "text"


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
    counting = {name: Counting(name, is_written, form) for name in names}
    for batch in batches:
        for name, column in counting.items():
            column.add(batch.column(name))
    return [column.column() for column in counting.values()]
