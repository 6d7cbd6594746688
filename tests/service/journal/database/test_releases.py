"""Replicas of the release before write beside new ones, and after a rollback: to tables that were migrated."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from service.journal import Journal
from service.journal.database.connection import connect, transaction
from service.journal.database.decoding import Row
from service.journal.database.migrate import MIGRATIONS, migrate
from service.journal.database.predictions import PredictionTable
from service.journal.shipper import Shipper, ship_once
from service.journal.spool.frames import Record
from service.settings import JournalSettings
from tests.support.service.journal import query, record_quality, record_yield

#: As released before there was a trace: these replicas exist, so these texts never change.
BEFORE = {
    "postgresql": """INSERT INTO prediction
        SELECT * FROM json_populate_recordset(NULL::prediction, CAST(:batch AS json))
        ON CONFLICT DO NOTHING""",
    "sqlite": """INSERT INTO prediction (
            prediction_id, request_id, row, at, model, version, release, arm,
            subject, features, prediction, label, number, probabilities, probability, latency_ms
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
}
FIELDS = Row._fields[:16]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class RecordBefore(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A spooled record of that release."""

    source: int
    request_id: str
    subject: str | None
    at: float
    latency: float
    matrix: bytes
    kind: str
    values: bytes
    probabilities: bytes | None
    hidden: list[list[str | None]] | None


class ReplicaBefore:
    """Keeps its connection, and with it the server's prepared statement, over the migration."""

    def __init__(self, url: str):
        self.engine = connect(url)
        self._connection = self.engine.connect()
        self._count = 0

    def write(self) -> None:
        self._count += 1
        row: dict[str, Any] = dict.fromkeys(FIELDS) | {
            **{"prediction_id": f"old-{self._count}", "request_id": "r", "row": 0},
            **{"at": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime()), "model": "yield"},
            **{"version": "1", "release": "before", "arm": "champion", "latency_ms": 1.0},
        }
        if self.engine.dialect.name == "sqlite":
            cells = tuple((row | {"features": "{}"}).values())
            self._connection.exec_driver_sql(BEFORE["sqlite"], cells)
        else:
            cells_by_name = row | {"at": f"{row['at']}+00", "features": {}}
            self._connection.execute(
                sa.text(BEFORE["postgresql"]), {"batch": json.dumps([cells_by_name])}
            )
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()
        self.engine.dispose()


@pytest.fixture
def before(
    settings: JournalSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReplicaBefore]:
    """A replica of the release before, on the tables that it made."""
    make_tables_of_before(settings, tmp_path, monkeypatch)
    table = PredictionTable(settings.url, 0)
    table.sweep()
    table.close()
    replica = ReplicaBefore(settings.url)
    yield replica
    replica.close()


def make_tables_of_before(
    settings: JournalSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(settings.url)
    folder = tmp_path / "before" / engine.dialect.name
    folder.mkdir(parents=True)
    first = MIGRATIONS / engine.dialect.name / "001_journal.sql"
    (folder / first.name).write_text(first.read_text())
    with monkeypatch.context() as patch:
        patch.setattr("service.journal.database.migrate.MIGRATIONS", folder.parent)
        migrate(engine)
    engine.dispose()


def stored(settings: JournalSettings) -> list[tuple[str, str | None]]:
    return [
        (release, trace)
        for release, trace in query(
            settings, "SELECT release, trace_id FROM prediction ORDER BY at"
        )
    ]


def test_a_replica_of_before_goes_on_writing_over_the_migration(
    settings: JournalSettings, journal: Journal, before: ReplicaBefore
) -> None:
    # psycopg prepares a statement on the server after five times.
    for _ in range(8):
        before.write()
    record_yield(journal, "new", trace_id=TRACE)
    assert ship_once(settings) == 1
    for _ in range(8):
        before.write()
    assert sorted(stored(settings)) == [("before", None)] * 16 + [("release-1", TRACE)]


def test_a_spool_of_either_release_ships_in_the_other(
    journal: Journal, settings: JournalSettings
) -> None:
    old = RecordBefore(0, "id", None, 0.0, 0.0, b"", "f", b"", None, None)
    new = Record(*msgspec.structs.astuple(old), trace_id=TRACE)
    decode, encode = msgspec.msgpack.decode, msgspec.msgpack.encode
    assert decode(encode(old), type=Record).trace_id is None
    assert decode(encode(new), type=RecordBefore) == old
    record_quality(journal, "r1", trace_id=TRACE)
    assert ship_once(settings) == 1
    assert stored(settings) == [("release-1", TRACE)]


def test_tables_of_a_backup_from_before_are_migrated_when_a_new_replica_meets_them(
    settings: JournalSettings,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipper = Shipper(settings)
    record_yield(journal, "r1", trace_id=TRACE)
    assert shipper.ship_once() == 1
    for table in ("prediction", "truth", "truth_former", "journal_migration"):
        query_nothing(settings, f"DROP TABLE {table}")
    make_tables_of_before(settings, tmp_path, monkeypatch)
    record_yield(journal, "r2", trace_id=TRACE)
    # PostgreSQL takes the row without its trace until the next sweep, SQLite refuses it until the next pass.
    for _ in range(2):
        shipper._attempt(shipper.ship_once)
    assert query(settings, "SELECT request_id FROM prediction") == [("r2",)]
    assert journal.stats().dropped["refused"] == 0
    shipper.close()


def query_nothing(settings: JournalSettings, statement: str) -> None:
    engine = connect(settings.url)
    with transaction(engine) as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_predictions_are_shipped_while_a_long_reader_keeps_the_migration_waiting(
    postgresql: str,
    journal_on_postgresql: tuple[Journal, JournalSettings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal, settings = journal_on_postgresql
    make_tables_of_before(settings, tmp_path, monkeypatch)
    record_yield(journal, "r1")
    reader = connect(postgresql)
    with reader.connect() as backup:
        backup.exec_driver_sql("SELECT count(*) FROM prediction")
        assert ship_once(settings) == 1
        names = {column["name"] for column in sa.inspect(backup).get_columns("prediction")}
        assert "trace_id" not in names
    reader.dispose()
    record_yield(journal, "r2", trace_id=TRACE)
    assert ship_once(settings) == 1
    assert ("release-1", TRACE) in stored(settings)


def test_predictions_are_shipped_while_a_long_reader_keeps_an_old_day_from_being_dropped(
    postgresql: str, journal_on_postgresql: tuple[Journal, JournalSettings]
) -> None:
    journal, settings = journal_on_postgresql
    record_yield(journal, "old", at=time.time() - 30 * 86400)
    ship_once(replace(settings, retention_days=0))
    reader = connect(postgresql)
    with reader.connect() as backup:
        backup.exec_driver_sql("SELECT count(*) FROM prediction")
        record_yield(journal, "new")
        assert ship_once(replace(settings, retention_days=10)) == 1
        assert len(stored(settings)) == 2
    reader.dispose()
    ship_once(replace(settings, retention_days=10))
    assert query(settings, "SELECT request_id FROM prediction") == [("new",)]


def test_new_partitions_and_small_ones_serve_windows_and_traces(
    postgresql: str,
    journal_on_postgresql: tuple[Journal, JournalSettings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal, settings = journal_on_postgresql
    make_tables_of_before(settings, tmp_path, monkeypatch)
    table = PredictionTable(postgresql, 0)
    table.sweep()
    migrate(table.engine)
    record_yield(journal, "r1", at=time.time() - 9 * 86400)
    assert ship_once(settings) == 1
    indexes = "SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'prediction\\_2%'"
    definitions: dict[str, str] = {}
    for name, definition in query(settings, indexes):
        definitions[name] = definitions.get(name, "") + definition
    assert len(definitions) == 5
    for definition in definitions.values():
        assert "(model, version, arm, at)" in definition and "(trace_id)" in definition
    valid = (
        "SELECT bool_and(indisvalid) FROM pg_index"
        " WHERE indexrelid::regclass::text IN ('prediction_window', 'prediction_trace_id')"
    )
    assert query(settings, valid) == [(True,)]
    table.close()
