"""SQLite as the journal opens it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from service.journal.database.connection import connect, transaction
from service.journal.shipper import ship_once
from tests.support.service.journal import settings_for


def test_sqlite_is_read_while_it_is_written(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    ship_once(settings)
    reader = sqlite3.connect(tmp_path / "journal.db", timeout=0)
    with transaction(connect(settings.url)) as connection:
        connection.exec_driver_sql("DELETE FROM prediction")
        assert reader.execute("SELECT count(*) FROM prediction").fetchone() == (0,)
    reader.close()
