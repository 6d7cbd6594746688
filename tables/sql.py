"""Reads the rows of an SQL query from any database that SQLAlchemy knows, as batches, in constant memory."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from tables.address import filled_in, public
from tables.errors import TableError

BATCH_ROWS = 20_000


@contextmanager
def sent(address: str, query: str) -> Iterator[QueryRows]:
    """A query whose rows can be read; nothing of it writes where the database is PostgreSQL."""
    with ExitStack() as opened:
        with _refusals(address, query):
            engine = sa.create_engine(driven(filled_in(address)), poolclass=sa.NullPool)
            connection = opened.enter_context(engine.connect())
            # Batches from a cursor of the server's; without parameters, so that a % or : is the query's own.
            options: dict[str, Any] = {"stream_results": True, "no_parameters": True}
            options |= {"max_row_buffer": BATCH_ROWS}
            if engine.dialect.name == "postgresql":
                options["postgresql_readonly"] = True
            result = connection.execution_options(**options).exec_driver_sql(query)
            # A cursor of the server's is not closed by its connection.
            opened.callback(result.close)
            rows = QueryRows(address, query, result)
        yield rows


@contextmanager
def _refusals(address: str, query: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise TableError(f"{public(address)}: {reason} (query: {query})") from error


class QueryRows:
    """The rows of a query: `names` are its columns."""

    written = False

    def __init__(self, address: str, query: str, result: sa.CursorResult[Any]):
        self._address, self._query, self._result = address, query, result
        self.names = list(result.keys())

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """These columns, typed as the values of each batch are."""
        places = [self.names.index(name) for name in columns]
        with _refusals(self._address, self._query):
            for rows in self._result.partitions(BATCH_ROWS):
                yield pa.record_batch(
                    [_array([row[place] for row in rows]) for place in places], columns
                )


def driven(address: str) -> sa.URL:
    """SQLAlchemy takes psycopg2 for PostgreSQL where no driver is named; ours is psycopg."""
    url = sa.make_url(address)
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _array(values: Sequence[Any]) -> pa.Array:
    """What has no type of a table's (an array, JSON, an address) is a text."""
    try:
        return pa.array([_plain(value) for value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if value is None or isinstance(value, str | int | float | bool | dt.date):
        return value
    return str(value)
