"""The monitor's own database: its engine, its migrations, and transactions that say when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitoring.findings.tables import SCHEMA
from service.journal.database import connection as journal
from service.journal.database.migrate import apply
from service.journal.errors import Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"


class FindingsUnavailable(Unavailable):
    """The monitor's own database does not answer; try again later."""


def connect(url: str) -> sa.Engine:
    """An engine that connects when first used: as the journal's, under a name of its own in the database's list."""
    engine = journal.connect(url, "swarmline-monitor")
    if engine.dialect.name == "sqlite":
        # SQLite has no schemas.
        return engine.execution_options(schema_translate_map={SCHEMA: None})
    return engine


class UnfitFindings(Exception):
    """A value that the tables cannot hold: it would not fit tomorrow either."""


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Commits at the end. FindingsUnavailable when the database is away, busy or not as it should be."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DataError, OverflowError) as error:
        raise UnfitFindings(journal.reason_of(error)) from error
    except (DBAPIError, PoolTimeout) as error:
        raise unavailable(error) from error
    except StatementError as error:
        # It did not even get as far as the database.
        raise UnfitFindings(journal.reason_of(error)) from error


def unavailable(error: Exception) -> FindingsUnavailable:
    return FindingsUnavailable(
        f"the monitor's own database does not answer as it should ({journal.reason_of(error)}); it is tried again;"
        " see that it runs and that FINDINGS_URL names it"
    )


def migrate(engine: sa.Engine) -> list[str]:
    """Brings the tables up to date, safe to race; the names of the migrations that were missing."""
    with transaction(engine) as connection:
        journal.lock(connection)
        return apply(connection, MIGRATIONS, f"{_make_schema(connection)}monitor_migration")


def _make_schema(connection: sa.Connection) -> str:
    """What a table's name begins with. A role without the right may not even ask for a schema that is there."""
    if connection.dialect.name != "postgresql":
        return ""
    if connection.scalar(sa.text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}) is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    return f"{SCHEMA}."
