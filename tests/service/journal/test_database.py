"""Migrations, partitions and retention."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.journal import Journal
from service.journal.database.connection import MIGRATIONS, connect, migrate, transaction
from service.journal.database.predictions import Store, partition_name
from service.journal.database.rows import Row
from service.journal.shipper import ship_once
from service.journal.truth import Entry
from service.settings import JournalSettings
from tests.service.journal.helpers import (
    open_journal,
    query,
    record_quality,
    record_yield,
    settings_for,
)

DAY = 86400.0
MIGRATE = (
    "import sys; from service.journal.database.connection import connect, migrate;"
    " print(*migrate(connect(sys.argv[1])))"
)
PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'prediction'::regclass"
)


def partitions(settings: JournalSettings) -> set[str]:
    return {name for (name,) in query(settings, PARTITIONS)}


def today(days: int = 0) -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)


def test_replicas_that_start_at_once_migrate_once(settings: JournalSettings) -> None:
    command = [sys.executable, "-c", MIGRATE, settings.url]
    replicas = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    applied = [replica.communicate(timeout=60)[0].strip() for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * 6
    assert sorted(applied) == [""] * 5 + ["001_journal"]


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
    monkeypatch.setattr("service.journal.database.connection.MIGRATIONS", tmp_path)
    with pytest.raises(Exception, match="syntax error"):
        migrate(engine)
    assert not sa.inspect(engine).has_table("half")
    engine.dispose()


def test_what_is_older_than_the_retention_goes(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    keep = settings_for(settings.spool.parent, url=settings.url, retention_days=0)
    short = settings_for(settings.spool.parent, url=settings.url, retention_days=10)
    for age in (30, 12, 8, 0):
        record_yield(journal, f"r{age}", at=time.time() - age * DAY)
    assert ship_once(keep) == 4
    journal.truth("yield", [Entry("r30", 1.0), Entry("r8", 1.0)])
    journal.truth("yield", [Entry("r30", 2.0), Entry("r8", 2.0)])
    ship_once(short)
    left = {request_id for (request_id,) in query(settings, "SELECT request_id FROM prediction")}
    assert left == {"r8", "r0"}
    assert query(settings, "SELECT request_id FROM truth") == [("r8",)]
    assert query(settings, "SELECT request_id FROM truth_former") == [("r8",)]
    journal.close()


def test_what_is_shipped_too_late_to_keep_is_counted(
    settings: JournalSettings, journal: Journal
) -> None:
    record_yield(journal, "old", at=time.time() - 100 * DAY)
    record_yield(journal, "new")
    assert ship_once(settings) == 1
    assert journal.stats().dropped["expired"] == 1


def test_postgresql_has_the_next_days_partitions(postgresql: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, url=postgresql)
    ship_once(settings)
    assert partitions(settings) == {partition_name(today(days)) for days in range(4)}


def test_a_day_without_partition_gets_one(postgresql: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, url=postgresql)
    journal = open_journal(settings)
    record_yield(journal, "r1", at=time.time() - 5 * DAY)
    assert ship_once(settings) == 1
    assert partition_name(today(-5)) in partitions(settings)
    journal.close()


def test_retention_drops_whole_partitions(postgresql: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, url=postgresql, retention_days=7)
    store = Store(postgresql, 7)
    store.prepare()
    store._ensure_days({today(-30), today(-8), today(-7), today()})
    store.sweep()
    store.close()
    assert partitions(settings) == {partition_name(today(days)) for days in (-7, 0, 1, 2, 3)}


def test_a_partition_is_made_under_a_long_reader(postgresql: str, tmp_path: Path) -> None:
    """A report that reads all morning must not stop the journal."""
    settings = settings_for(tmp_path, url=postgresql)
    ship_once(settings)
    reader, journal = connect(postgresql), open_journal(settings)
    with transaction(reader) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM prediction")
        record_yield(journal, "r1", at=time.time() - 5 * DAY)
        assert ship_once(settings) == 1
    reader.dispose()
    journal.close()


def test_a_partition_that_another_replica_dropped_is_no_trouble(
    postgresql: str, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, url=postgresql)
    journal, store = open_journal(settings), Store(postgresql, 0)
    store.prepare()
    store._ensure_days({today()})
    with transaction(store.engine) as connection:
        connection.exec_driver_sql(f"DROP TABLE {partition_name(today())}")
    record_quality(journal)
    assert ship_once(settings) == 1
    store.close()
    journal.close()


def test_a_time_window_reads_its_own_partitions_only(postgresql: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, url=postgresql)
    ship_once(settings)
    day = today()
    window = f"at >= '{day}T00:00:00Z' AND at < '{day}T12:00:00Z'"
    plan = query(settings, f"EXPLAIN SELECT * FROM prediction WHERE model = 'm' AND {window}")
    read = {name for name in partitions(settings) if name in str(plan)}
    assert read == {partition_name(day)}


def test_sqlite_is_read_while_it_is_written(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    ship_once(settings)
    reader = sqlite3.connect(tmp_path / "journal.db", timeout=0)
    with transaction(connect(settings.url)) as connection:
        connection.exec_driver_sql("DELETE FROM prediction")
        assert reader.execute("SELECT count(*) FROM prediction").fetchone() == (0,)
    reader.close()
