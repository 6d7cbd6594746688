"""The rows of an SQL query, in the order of an identifier: so that a scoring can go on behind the last one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.compute as pc

from outside.address import public
from scoring.errors import ScoringError
from scoring.predictor import Batch
from scoring.progress import say
from scoring.sources.span import Span, cut
from scoring.unfinished import PART_ROWS, Done, Part
from tables.address import filled_in
from tables.errors import refuse_repeated
from tables.sql import driven, sent

#: An identifier behind which a query can go on: no sign in it means anything to a database.
PLAIN = re.compile(r"[\w .:+/-]{1,200}")


class Query:
    """Without an identifier, rows come as the database gives them, and an interrupted scoring begins anew."""

    is_several = False
    tells_changes = False
    total = None

    def __init__(self, address: str, query: str, identifier: str = "", part_rows: int = PART_ROWS):
        if not query.strip():
            raise ScoringError(f"QUERY is missing: QUERY='SELECT ...', for {public(address)}")
        self.name, self.part_rows = public(address), part_rows
        self._address, self._query, self._identifier = (
            address,
            query.strip().rstrip(";"),
            identifier,
        )
        self.options = {"query": self._query}
        self._opened = ExitStack()
        opened = self._opened.enter_context(sent(address, self._statement(None)))
        self._names = list(opened.names)
        refuse_repeated(self._names, self.name)
        if identifier and identifier not in self._names:
            self.close()
            raise ScoringError(
                f"ID={identifier}: the query has no such column; it has {', '.join(self._names)}"
            )
        #: The batches of what was opened: the first is read to know the identifier's type.
        self._rows = opened.batches(self._names)
        self._first = next(self._rows, None)

    @property
    def identity(self) -> list[tuple[str, int, int]]:
        return [(self.name, 0, 0)]

    def names(self) -> Iterator[tuple[str, list[str]]]:
        yield self.name, self._names

    def type_of(self, name: str) -> pa.DataType:
        kind = pa.string() if self._first is None else self._first.schema.field(name).type
        return pa.string() if pa.types.is_null(kind) else kind

    def spans(self, done: Mapping[Part, Done]) -> Iterator[Span]:
        """Behind the last part that is done, if it says what its last row was."""
        first = 0
        while Part(0, first) in done:
            first += 1
        after = done[Part(0, first - 1)].last if first else None
        if first and after is None:
            say(
                "begins anew: only a query with ID=, a column that is unique and of numbers or plain words, can go on"
            )
        yield Span(0, first if after is not None else 0, None, after)

    def batches(self, span: Span, columns: Sequence[str]) -> Iterator[Batch]:
        present = [name for name in columns if name in self._names]
        row, before = span.first * self.part_rows, pa.scalar(span.after)
        for rows in self._from(span.after):
            if self._identifier:
                before = self._check_unique(rows.column(self._identifier), before)
            yield from cut(self._typed(rows.select(present)), row, self.part_rows)
            row += len(rows)

    def _from(self, after: int | str | None) -> Iterator[pa.RecordBatch]:
        """The rows behind an identifier, or all."""
        if after is None:
            if self._first is not None:
                yield self._first
            yield from self._rows
            return
        self.close()
        with sent(self._address, self._statement(after)) as opened:
            yield from opened.batches(self._names)

    def _typed(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The identifier of each batch as that of the first."""
        if not self._identifier:
            return rows
        place = rows.schema.get_field_index(self._identifier)
        kind = self.type_of(self._identifier)
        try:
            values = rows.column(place).cast(kind)
        except pa.ArrowException as error:
            raise ScoringError(
                f"ID={self._identifier}: begins as {kind} and goes on as {rows.column(place).type}; name a column of"
                " one type, or leave ID out"
            ) from error
        return rows.set_column(place, self._identifier, values)

    def _check_unique(self, values: pa.Array, before: pa.Scalar) -> pa.Scalar:
        if (
            values.null_count
            or pc.count_distinct(values).as_py() < len(values)
            or values[0].equals(before)
        ):
            raise ScoringError(
                f"ID={self._identifier}: has a value twice, or none in some row; of a query it has to be unique, so"
                " that an interrupted scoring can go on; name another, or leave ID out"
            )
        return values[-1]

    def last(self, batch: Batch) -> int | str | None:
        """The identifier of a batch's last row, if a query can go on behind it."""
        if not self._identifier:
            return None
        value = batch.rows.column(self._identifier)[-1].as_py()
        if isinstance(value, str):
            return value if PLAIN.fullmatch(value) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def close(self) -> None:
        self._opened.close()

    def _statement(self, after: int | str | None) -> str:
        """The query as it was given; with an identifier, in its order and behind the last one."""
        if not self._identifier:
            return self._query
        # By the database's own rule: to some, "id" is a text, which orders nothing.
        preparer = driven(filled_in(self._address)).get_dialect()().identifier_preparer
        begin, end = preparer.initial_quote, preparer.final_quote
        column = begin + self._identifier.replace(end, end * 2) + end
        behind = "" if after is None else f"WHERE {column} > {_literal(after)} "
        # A line of its own: the query may end with a comment.
        return f"SELECT * FROM (\n{self._query}\n) AS source {behind}ORDER BY {column}"  # nosec B608 # quoted above


def _literal(value: int | str) -> str:
    """Digits, or a text of signs that mean nothing to a database."""
    if isinstance(value, int):
        return str(value)
    assert PLAIN.fullmatch(value), value
    return f"'{value}'"
