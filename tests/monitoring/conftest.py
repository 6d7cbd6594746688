from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.journal.database.connection import connect
from tests.support.postgres import Cluster


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
        for schema in ("public", "monitor"):
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return cluster.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        return url
    return f"sqlite:///{tmp_path}/monitor.db"
