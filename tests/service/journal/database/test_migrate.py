"""Migrations: each once, whoever starts at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.journal.database.connection import connect
from service.journal.database.decoding import Row
from service.journal.database.migrate import MIGRATIONS, migrate
from service.settings import JournalSettings

MIGRATE = (
    "import sys; from service.journal.database.connection import connect;"
    " from service.journal.database.migrate import migrate;"
    " print(*migrate(connect(sys.argv[1])))"
)


def test_replicas_that_start_at_once_migrate_once(settings: JournalSettings) -> None:
    command = [sys.executable, "-c", MIGRATE, settings.url]
    replicas = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    applied = [replica.communicate(timeout=60)[0].strip() for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * 6
    assert sorted(applied) == [""] * 5 + ["001_journal 002_trace_and_window"]


def test_both_databases_have_the_same_migrations_and_columns(settings: JournalSettings) -> None:
    names = [{path.name for path in folder.iterdir()} for folder in MIGRATIONS.iterdir()]
    assert names[0] == names[1]
    engine = connect(settings.url)
    migrate(engine)
    columns = tuple(column["name"] for column in sa.inspect(engine).get_columns("prediction"))
    engine.dispose()
    assert columns == Row._fields


def test_a_migration_that_fails_leaves_nothing(
    settings: JournalSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(settings.url)
    (tmp_path / engine.dialect.name).mkdir()
    broken = "CREATE TABLE half (a integer);\nCREATE TABLE prediction (;\n"
    (tmp_path / engine.dialect.name / "001_broken.sql").write_text(broken)
    monkeypatch.setattr("service.journal.database.migrate.MIGRATIONS", tmp_path)
    with pytest.raises(Exception, match="syntax error"):
        migrate(engine)
    assert not sa.inspect(engine).has_table("half")
    engine.dispose()
