"""The connection to the journal, which runs the statements of the folder `statements`, or of another.

Read only, one statement at a time, each with a time limit: predictions come first.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from monitoring.window import sampled
from service.journal.database.connection import connect_to_read, moment, statement, transaction
from service.journal.errors import Unavailable

STATEMENTS = Path(__file__).parent / "statements"
STATEMENT_SECONDS = 60.0
#: As PostgreSQL has it, whatever language it speaks.
UNDEFINED_TABLE = "42P01"


class NoPredictions(Unavailable):
    """The journal has no tables: whoever writes the first prediction makes them."""


class JournalConnection:
    """Safe between threads: they take turns. What reads raises Unavailable when the journal does not answer."""

    def __init__(self, url: str, statement_seconds: float, statements: Path = STATEMENTS):
        self.engine = connect_to_read(url, statement_seconds)
        self._statements = statements
        self._turn = threading.Lock()
        if self.sqlite:
            sa.event.listen(self.engine, "connect", _add_hash)

    def close(self) -> None:
        self.engine.dispose()

    @property
    def sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def read(self, name: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        with self._transaction() as connection:
            return connection.execute(self._sql(name), self._comparable(parameters)).all()

    @contextmanager
    def rows(self, name: str, parameters: Mapping[str, Any]) -> Iterator[Iterator[Sequence[Any]]]:
        """Chunks of records: as text, those of a whole sample would take most of the memory."""
        with self._transaction() as connection:
            stream = connection.execution_options(yield_per=sampled.CHUNK)
            result = stream.execute(self._sql(name), self._comparable(parameters))
            yield result.mappings().partitions()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._turn, transaction(self.engine) as connection:
                yield connection
        except Unavailable as error:
            if not _lacks_table(error.__cause__):
                raise
            raise NoPredictions(
                "there is no prediction yet: the journal's tables come with the first; if the service"
                " has answered by now, see that JOURNAL_URL names the database of its journal"
            ) from error

    def _comparable(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """With times as this kind of database compares them."""
        return {
            name: moment(self.engine, value) if isinstance(value, dt.datetime) else value
            for name, value in parameters.items()
        }

    def _sql(self, name: str) -> sa.TextClause:
        return statement(self.engine, name, self._statements)


def as_time(at: Any) -> dt.datetime | None:
    """Aware, in UTC. SQLite gives the text back that it was given."""
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    if not isinstance(at, dt.datetime):
        return None
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def _lacks_table(error: BaseException | None) -> bool:
    reason = getattr(error, "orig", None)
    return getattr(reason, "sqlstate", "") == UNDEFINED_TABLE or (
        isinstance(reason, sqlite3.OperationalError) and str(reason).startswith("no such table")
    )


def _add_hash(connection: sqlite3.Connection, _: object) -> None:
    connection.create_function("sample_hash", 3, sampled.sample_hash, deterministic=True)
    connection.create_function("md5", 1, sampled.md5, deterministic=True)
