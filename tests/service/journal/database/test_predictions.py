"""Partitions and retention."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from service.journal import Journal
from service.journal.database.connection import connect, transaction
from service.journal.database.predictions import PredictionTable, partition_name
from service.journal.shipper import ship_once
from service.journal.truth import Entry
from service.settings import JournalSettings
from tests.support.service.journal import (
    open_journal,
    query,
    record_quality,
    record_yield,
    settings_for,
)

DAY = 86400.0


PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'prediction'::regclass"
)


def partitions(settings: JournalSettings) -> set[str]:
    return {name for (name,) in query(settings, PARTITIONS)}


def today(days: int = 0) -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)


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
    store = PredictionTable(postgresql, 7)
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
    journal, store = open_journal(settings), PredictionTable(postgresql, 0)
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
