"""Migrations of the journal's database, and of others like it, safe to race: replicas start at the same time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from service.journal.database.connection import lock, transaction

MIGRATIONS = Path(__file__).parent / "migrations"
TABLE = "journal_migration"


def migrate(engine: sa.Engine) -> list[str]:
    """Bring the schema up to date; the names of the migrations that were missing."""
    with transaction(engine) as connection:
        lock(connection)
        return apply(connection, MIGRATIONS, TABLE)


def apply(connection: sa.Connection, folder: Path, table: str) -> list[str]:
    """Those of a folder that the table, of our own naming, does not list yet; inside a transaction with the lock."""
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {table} ("
        "version integer PRIMARY KEY, name text NOT NULL,"
        " applied_at text NOT NULL DEFAULT CURRENT_TIMESTAMP)"
    )
    done = set(connection.scalars(sa.text(f"SELECT version FROM {table}")))  # nosec B608
    new = sa.text(f"INSERT INTO {table} (version, name) VALUES (:v, :n)")  # nosec B608
    applied = []
    for path in sorted((folder / connection.dialect.name).glob("*.sql")):
        version = int(path.name.partition("_")[0])
        if version not in done:
            _run(connection, path.read_text(encoding="utf-8"))
            connection.execute(new, {"v": version, "n": path.stem})
            applied.append(path.stem)
    return applied


def _run(connection: sa.Connection, script: str) -> None:
    """Statement by statement: SQLite's driver takes one at a time inside a transaction."""
    command = ""
    for line in script.splitlines(keepends=True):
        command += line
        if sqlite3.complete_statement(command):
            connection.execution_options(no_parameters=True).exec_driver_sql(command)
            command = ""
