"""Predictions into the database, each once; partitions made ahead, and dropped when they are old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from service.journal.database.connection import (
    connect,
    lock,
    moment,
    statement,
    transaction,
)
from service.journal.database.decoding import Row, text_of
from service.journal.database.migrate import migrate
from service.journal.errors import Unavailable

#: Rows a statement.
BATCH = 1000
DAYS_AHEAD = 3
DAY = dt.timedelta(days=1)
SWEEP_ROWS = 5000

_JSON_COLUMNS = ("features", "prediction", "probabilities")
_SQLITE_INSERT = (
    f"INSERT INTO prediction ({', '.join(Row._fields)})"  # nosec B608 # our own names
    f" VALUES ({', '.join('?' * len(Row._fields))}) ON CONFLICT DO NOTHING"
)


class Stored(NamedTuple):
    """Rows new in the table, refused by the database, too old to keep. The rest was there."""

    new: int = 0
    refused: int = 0
    expired: int = 0


class Prepared(NamedTuple):
    """Migrations that were applied; and why one waits, if so: a backup may read for an hour."""

    applied: list[str]
    waits: str = ""


class PredictionTable:
    """One a process."""

    def __init__(self, url: str, retention_days: int):
        self.engine = connect(url)
        self._retention = dt.timedelta(days=retention_days)
        self._days: set[dt.date] = set()
        self._partitioned = self.engine.dialect.name == "postgresql"

    def prepare(self) -> Prepared:
        """Migrates. Where that cannot be now, but there is a table that takes rows as before, it waits."""
        try:
            return Prepared(migrate(self.engine))
        except Unavailable as error:
            if not self._takes_rows():
                raise
            return Prepared([], str(error))

    def _takes_rows(self) -> bool:
        """PostgreSQL's statement leaves out what its table has no column for; SQLite's names its columns."""
        if not self._partitioned:
            return False
        with transaction(self.engine) as connection:
            table = connection.scalar(sa.text("SELECT to_regclass('prediction')"))
            return table is not None

    def close(self) -> None:
        self.engine.dispose()

    def insert(self, rows: Sequence[Row]) -> Stored:
        """All rows or, where the database refuses one, all others."""
        cutoff = self._cutoff()
        oldest = "" if cutoff is None else text_of(cutoff)
        recent = [row for row in rows if row.at >= oldest]
        self._ensure_days(_days(recent))
        expired = len(rows) - len(recent)
        try:
            return Stored(self._write(recent), expired=expired)
        except (DataError, IntegrityError):
            # Another replica may have dropped a day that was known here.
            self._days.clear()
        written = [self._write_one(row) for row in recent]
        return Stored(sum(count or 0 for count in written), written.count(None), expired)

    def _write_one(self, row: Row) -> int | None:
        try:
            self._ensure_days(_days([row]))
            return self._write([row])
        except (DataError, IntegrityError):
            return None

    def _write(self, rows: Sequence[Row]) -> int:
        count = 0
        with transaction(self.engine) as connection:
            for start in range(0, len(rows), BATCH):
                count += self._execute(connection, rows[start : start + BATCH])
        return count

    def _execute(self, connection: sa.Connection, rows: Sequence[Row]) -> int:
        if self._partitioned:
            new = statement(self.engine, "prediction_new")
            batch = msgspec.json.encode([_postgresql_cells(row) for row in rows]).decode()
            return connection.execute(new, {"batch": batch}).rowcount
        # Past SQLAlchemy's own handling of each row: SQLite's driver takes it as it is.
        return connection.exec_driver_sql(_SQLITE_INSERT, list(rows)).rowcount

    def _cutoff(self) -> dt.datetime | None:
        return dt.datetime.now(dt.UTC) - self._retention if self._retention else None

    def sweep(self) -> None:
        """Make the next days' partitions and drop what is older than the retention."""
        today = dt.datetime.now(dt.UTC).date()
        self._days.clear()
        self._ensure_days({today + DAY * number for number in range(DAYS_AHEAD + 1)})
        cutoff = self._cutoff()
        if cutoff is None:
            return
        if self._partitioned:
            self._drop_days(cutoff)
        else:
            self._delete("prediction", cutoff)
        self._delete("truth", cutoff)
        self._delete("truth_former", cutoff)

    def _ensure_days(self, days: set[dt.date]) -> None:
        if not self._partitioned or days <= self._days:
            return
        with transaction(self.engine) as connection:
            lock(connection)
            partitions = set(connection.scalars(statement(self.engine, "partitions")))
            for day in sorted(days):
                if partition_name(day) not in partitions:
                    _attach(connection, day)
        self._days |= days

    def _drop_days(self, cutoff: dt.datetime) -> None:
        with transaction(self.engine) as connection:
            # Dropping waits for long readers, and others behind it: rather try again later.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            lock(connection)
            last = partition_name((cutoff - DAY).date())
            for name in sorted(connection.scalars(statement(self.engine, "partitions"))):
                if name <= last:
                    connection.exec_driver_sql(f"DROP TABLE {name}")

    def _delete(self, table: str, cutoff: dt.datetime) -> None:
        """In small transactions, so that nobody waits long for the lock."""
        row_id = "ctid" if self._partitioned else "rowid"
        delete = sa.text(
            f"DELETE FROM {table} WHERE {row_id} IN"  # nosec B608 # a table's name of our own
            f" (SELECT {row_id} FROM {table} WHERE at < :cutoff LIMIT :limit)"
        )
        parameters = {"cutoff": moment(self.engine, cutoff), "limit": SWEEP_ROWS}
        deleted = SWEEP_ROWS
        while deleted == SWEEP_ROWS:
            with transaction(self.engine) as connection:
                deleted = connection.execute(delete, parameters).rowcount


def _days(rows: Sequence[Row]) -> set[dt.date]:
    """The days, in UTC, of their times."""
    return {dt.date.fromisoformat(day) for day in {row.at[:10] for row in rows}}


def _postgresql_cells(row: Row) -> dict[str, Any]:
    cells: dict[str, Any] = row._asdict() | {"at": f"{row.at}+00"}
    for name in _JSON_COLUMNS:
        if cells[name] is not None:
            cells[name] = msgspec.Raw(cells[name])
    return cells


def partition_name(day: dt.date) -> str:
    return f"prediction_{day:%Y%m%d}"


def _attach(connection: sa.Connection, day: dt.date) -> None:
    """Made aside and then attached: this waits for no reader, as PARTITION OF would."""
    name = partition_name(day)
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE prediction INCLUDING DEFAULTS)")
    connection.exec_driver_sql(
        f"ALTER TABLE prediction ATTACH PARTITION {name}"
        f" FOR VALUES FROM ('{day} 00:00:00+00') TO ('{day + DAY} 00:00:00+00')"
    )
