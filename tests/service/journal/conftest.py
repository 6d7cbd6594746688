from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.journal import Journal
from service.settings import JournalSettings
from tests.support.postgres import Cluster, empty, running_cluster
from tests.support.service.journal import KEY, open_journal, settings_for


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as server:
        yield server


@pytest.fixture
def postgresql(cluster: Cluster) -> str:
    """The URL of an empty database."""
    return empty(cluster.url)


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
