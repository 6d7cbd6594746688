"""The journal's database: connections that survive Swarm's network, transactions, SQL by its name."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.journal.errors import Unavailable

STATEMENTS = Path(__file__).parent / "statements"
#: Any number will do that nobody else locks.
_LOCK = 0x5357_4A4F_5552
BUSY_SECONDS = 10

#: Swarm's IPVS forgets a connection that was idle for 900 s without telling either end.
_POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 5,
    "tcp_user_timeout": 30_000,
    "options": "-c statement_timeout=30000 -c timezone=UTC",
}


def connect(url: str, name: str = "swarmline-journal") -> sa.Engine:
    """An engine that connects when first used, under this name in PostgreSQL's list of connections."""
    parsed = sa.make_url(url)
    pool = {"pool_size": 1, "max_overflow": 3, "pool_timeout": 5, "pool_recycle": 600}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, **pool)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _connect_postgresql(parsed, _POSTGRESQL | {"application_name": name}, pool)


def connect_to_read(url: str, statement_seconds: float) -> sa.Engine:
    """One connection at most, which can write nothing, and whose statements end after so many seconds."""
    parsed = sa.make_url(url)
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 30, "pool_recycle": 600}
    if parsed.get_backend_name() == "sqlite":
        # No BEGIN IMMEDIATE here: it would keep the shipper from writing. A file that is not there is not made.
        file = quote(parsed.database or "")
        address = parsed.set(database=f"file:{file}").update_query_dict(
            {"mode": "ro", "uri": "true"}
        )
        return sa.create_engine(address, connect_args={"timeout": BUSY_SECONDS}, **pool)
    options = (
        f"-c statement_timeout={int(statement_seconds * 1000)} -c timezone=UTC"
        " -c default_transaction_read_only=on -c lock_timeout=5000 -c work_mem=32MB"
        # One of the database's cores, not three: the shippers need the others.
        " -c max_parallel_workers_per_gather=0"
    )
    arguments = _POSTGRESQL | {"options": options, "application_name": "swarmline-monitor"}
    return _connect_postgresql(parsed, arguments, pool)


def _connect_postgresql(
    url: sa.URL, arguments: Mapping[str, Any], pool: Mapping[str, Any]
) -> sa.Engine:
    """What the URL says of itself goes before."""
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={name: value for name, value in arguments.items() if name not in url.query},
        pool_pre_ping=True,
        hide_parameters=True,
        **pool,
    )


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver begins transactions late: a reader that turns writer then fails, whatever the timeout.
    connection.isolation_level = None
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = normal")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Commits at the end. Unavailable when the database is away, busy or not as it should be."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DataError, IntegrityError):  # pylint: disable=try-except-raise  # of what is below
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise Unavailable(
            f"the journal's database does not answer as it should ({reason_of(error)}); it is tried again;"
            " see that it runs and that JOURNAL_URL names it"
        ) from error


def reason_of(error: Exception) -> str:
    """What the driver says first, without SQLAlchemy's words and the statement."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def moment(engine: sa.Engine, at: dt.datetime) -> Any:
    """A time as the database's driver takes it: SQLite keeps text, in UTC, so that it sorts."""
    if engine.dialect.name == "sqlite":
        return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return at


def statement(engine: sa.Engine, name: str, folder: Path = STATEMENTS) -> sa.TextClause:
    """The SQL of this name: in the folder of the engine's dialect, or beside it where all have the same."""
    return _statement(folder, engine.dialect.name, f"{name}.sql")


@functools.cache
def _statement(folder: Path, dialect: str, name: str) -> sa.TextClause:
    own = folder / dialect / name
    text = (own if own.is_file() else folder / name).read_text(encoding="utf-8")
    return sa.text("\n".join(line for line in text.splitlines() if not line.startswith("--")))


def lock(connection: sa.Connection) -> None:
    """Until the transaction ends, keeps out whoever else changes tables. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
