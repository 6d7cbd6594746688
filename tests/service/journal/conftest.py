from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.journal import Journal
from service.journal.database.connection import connect
from service.settings import JournalSettings
from tests.support.postgres import Cluster
from tests.support.service.journal import KEY, open_journal, settings_for


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    # Not below tmp_path: the server's own user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Cluster(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def postgresql(cluster: Cluster) -> str:
    """The URL of an empty database."""
    engine = connect(cluster.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return cluster.url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> JournalSettings:
    """Hashing settings, once for each database."""
    values = {"sensitive": "hash", "key": KEY}
    if request.param == "postgresql":
        values["url"] = request.getfixturevalue("postgresql")
    return settings_for(tmp_path, **values)


@pytest.fixture
def journal(settings: JournalSettings) -> Iterator[Journal]:
    worker = open_journal(settings)
    yield worker
    worker.close()


@pytest.fixture
def journal_on_postgresql(
    postgresql: str, tmp_path: Path
) -> Iterator[tuple[Journal, JournalSettings]]:
    settings = settings_for(tmp_path, url=postgresql)
    worker = open_journal(settings)
    yield worker, settings
    worker.close()
