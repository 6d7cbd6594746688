"""Answers as rows of a database's table: parts go into a table aside, then into the table in one transaction.

Each row has the key of its scoring. A repeated one (the same files, the same version) takes the place of its rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv as pc
import sqlalchemy as sa

from outside.address import public
from scoring.errors import ScoringError
from scoring.predictor import Scored
from scoring.unfinished import Done, Part, Unfinished
from tables.address import filled_in
from tables.sql import driven

#: The columns that a table has besides the answers': whose rows they are; aside, also of which part.
KEY, PART = "scoring", "part"
TYPES: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], Any]], ...] = (
    (pa.types.is_boolean, lambda _: sa.Boolean()),
    (pa.types.is_integer, lambda _: sa.BigInteger()),
    (pa.types.is_float32, lambda _: sa.REAL()),
    (pa.types.is_floating, lambda _: sa.Double()),
    (pa.types.is_date, lambda _: sa.Date()),
    (pa.types.is_timestamp, lambda kind: sa.DateTime(timezone=kind.tz is not None)),
    (pa.types.is_decimal, lambda kind: sa.Numeric(kind.precision, kind.scale)),
    (lambda _: True, lambda _: sa.Text()),
)


class Pair(NamedTuple):
    """A table, and the one aside in which its rows gather."""

    table: sa.Table
    aside: sa.Table

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.table.columns]


class TableSink:
    """A table, and beside it `<table>_violations`; both are made where they are missing."""

    def __init__(self, address: str, name: str, schema: pa.Schema, violations: pa.Schema):
        self.place = f"{public(address)}, table {name}"
        digest = hashlib.sha256(self.place.encode()).hexdigest()[:16]
        self.unfinished = Unfinished(
            Path(os.environ.get("SWARMLINE_BUILD") or "build", "scoring", digest)
        )
        try:
            self.engine = sa.create_engine(driven(filled_in(address)), poolclass=sa.NullPool)
        except ImportError as error:
            raise ScoringError(f"OUT={public(address)}: its driver is not here: {error}") from error
        self._metadata = sa.MetaData()
        self.answers = self._pair(name, schema)
        self.violations = self._pair(f"{name}_violations", violations)

    def _pair(self, name: str, schema: pa.Schema) -> Pair:
        folder, _, own = name.rpartition(".")
        if taken := {KEY, PART} & {*schema.names}:
            raise ScoringError(
                f"ID={taken.pop()}: {self.place} has a column of that name besides; name another, or leave ID out"
            )

        def table(name: str, *more: str) -> sa.Table:
            columns = [sa.Column(field.name, _type(field.type)) for field in schema]
            columns += [sa.Column(extra, sa.Text()) for extra in more]
            return sa.Table(name, self._metadata, *columns, schema=folder or None)

        return Pair(table(own, KEY), table(f"{own}_unfinished", PART))

    @property
    def violations_place(self) -> str:
        return f"{self.place}_violations"

    @contextlib.contextmanager
    def prepared(self, done: dict[Part, Done]) -> Iterator[None]:
        """The tables aside, with the rows of the parts that are done and no others; for one scoring at a time."""
        with self.engine.connect() as connection:
            if self.engine.dialect.name == "postgresql":
                self._lock(connection)
            self._check_columns()
            with self.engine.begin() as transaction:
                for pair in (self.answers, self.violations):
                    if not done:
                        pair.aside.drop(transaction, checkfirst=True)
                    pair.aside.create(transaction, checkfirst=True)
                    parts = [str(part) for part in done]
                    transaction.execute(pair.aside.delete().where(pair.aside.c[PART].not_in(parts)))
                there = set(transaction.scalars(sa.select(self.answers.aside.c[PART]).distinct()))
            for part in [part for part in done if str(part) not in there]:
                # Somebody removed its rows meanwhile.
                del done[part]
            yield

    def _lock(self, connection: sa.Connection) -> None:
        """Until the connection is closed; a process that is killed closes it, too."""
        taken = sa.func.pg_try_advisory_lock(
            sa.func.hashtextextended(self.answers.table.fullname, 0)
        )
        if not connection.scalar(sa.select(taken)):
            raise ScoringError(
                f"{self.place}: another scoring writes here; wait for it, or name another TABLE"
            )
        connection.commit()

    def _check_columns(self) -> None:
        inspector = sa.inspect(self.engine)
        for pair in (self.answers, self.violations):
            table = pair.table
            if not inspector.has_table(table.name, schema=table.schema):
                continue
            there = {column["name"] for column in inspector.get_columns(table.name, table.schema)}
            if missing := [name for name in pair.names if name not in there]:
                raise ScoringError(
                    f"{self.place}: {table.fullname} is there already, and has no column {', '.join(missing)};"
                    " name another TABLE"
                )

    def part(self, part: Part) -> TablePart:
        return TablePart(self, part)

    def finish(self, _done: dict[Part, Done], key: str) -> None:
        """All rows at once: who reads the table sees those of before, or all."""
        with self.engine.begin() as transaction:
            for pair in (self.answers, self.violations):
                pair.table.create(transaction, checkfirst=True)
                transaction.execute(pair.table.delete().where(pair.table.c[KEY] == key))
                columns = [column for column in pair.aside.columns if column.name != PART]
                rows = sa.select(*columns, sa.literal(key, sa.Text()))
                transaction.execute(pair.table.insert().from_select(pair.names, rows))
                pair.aside.drop(transaction)


class TablePart:
    """The rows of one part, in one transaction."""

    def __init__(self, sink: TableSink, part: Part):
        self._sink, self._part = sink, part
        self._connection = sink.engine.connect()
        self._transaction = self._connection.begin()
        self._copies = sink.engine.dialect.name == "postgresql"
        self._counts = {"rows": 0, "refused": 0, "violations": 0}
        self._others: Counter[str] = Counter()
        for pair in (sink.answers, sink.violations):
            self._connection.execute(pair.aside.delete().where(pair.aside.c[PART] == str(part)))

    def write(self, scored: Scored) -> None:
        self._insert(self._sink.answers.aside, scored.answers)
        self._insert(self._sink.violations.aside, scored.violations)
        self._counts["rows"] += len(scored.answers)
        self._counts["refused"] += scored.refused
        self._counts["violations"] += len(scored.violations)
        self._others.update(scored.others)

    def _insert(self, table: sa.Table, rows: pa.RecordBatch) -> None:
        if rows.num_rows == 0:
            return
        names = [*rows.schema.names, PART]
        columns = [*rows.columns, pa.repeat(pa.scalar(str(self._part)), len(rows))]
        batch = pa.record_batch(columns, names)
        if self._copies:
            self._copy(table, batch)
        else:
            self._connection.execute(table.insert(), batch.to_pylist())

    def _copy(self, table: sa.Table, batch: pa.RecordBatch) -> None:
        """As CSV: a text is quoted, and what is null is not."""
        # pylint: disable-next=import-outside-toplevel  # only PostgreSQL needs it
        from psycopg import sql

        text = io.BytesIO()
        quoted = pc.WriteOptions(include_header=False, quoting_style="all_valid")
        pc.write_csv(batch, text, quoted)
        # Not SQLAlchemy's quoting, which writes % twice for statements with parameters.
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')").format(
            sql.Identifier(*filter(None, [table.schema, table.name])),
            sql.SQL(", ").join(map(sql.Identifier, batch.schema.names)),
        )
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(text.getbuffer())

    def commit(self, last: int | str | None) -> Done:
        self._transaction.commit()
        self._connection.close()
        done = Done(**self._counts, last=last, others=dict(self._others))
        self._sink.unfinished.mark_done(self._part, done)
        return done

    def abandon(self) -> None:
        self._transaction.rollback()
        self._connection.close()


def _type(kind: pa.DataType) -> Any:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return next(make(kind) for fits, make in TYPES if fits(kind))
