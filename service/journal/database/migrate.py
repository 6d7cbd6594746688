"""Migrations of the journal's database, safe to race: replicas start at the same time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from service.journal.database.connection import lock, transaction

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> list[str]:
    """Bring the schema up to date; the names of the migrations that were missing."""
    dialect = engine.dialect.name
    applied = []
    with transaction(engine) as connection:
        lock(connection)
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS journal_migration ("
            "version integer PRIMARY KEY, name text NOT NULL,"
            " applied_at text NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        )
        done = set(connection.scalars(sa.text("SELECT version FROM journal_migration")))
        for path in sorted((MIGRATIONS / dialect).glob("*.sql")):
            version = int(path.name.partition("_")[0])
            if version not in done:
                _run(connection, path.read_text(encoding="utf-8"))
                connection.execute(
                    sa.text("INSERT INTO journal_migration (version, name) VALUES (:v, :n)"),
                    {"v": version, "n": path.stem},
                )
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
