from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.window.journal import JournalReader
from service.journal import Journal
from service.settings import JournalSettings
from tests.support.service.journal import KEY, open_journal, settings_for


@pytest.fixture
def settings(database: str, tmp_path: Path) -> JournalSettings:
    return settings_for(tmp_path, url=database, sensitive="hash", key=KEY)


@pytest.fixture
def journal(settings: JournalSettings) -> Iterator[Journal]:
    worker = open_journal(settings)
    yield worker
    worker.close()


@pytest.fixture
def reader(settings: JournalSettings) -> Iterator[JournalReader]:
    reader = JournalReader(settings.url)
    yield reader
    reader.close()
