from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.findings import Store
from tests.support.postgres import Cluster, empty, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as server:
        yield server


@pytest.fixture
def postgresql(cluster: Cluster) -> str:
    """The URL of an empty database."""
    return empty(cluster.url, "monitor")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        return url
    return f"sqlite:///{tmp_path}/monitor.db"


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """With its tables, and nothing in them."""
    store = Store(database)
    store.prepare()
    yield store
    store.close()
