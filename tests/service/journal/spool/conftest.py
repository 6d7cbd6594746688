from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import JournalSettings
from tests.support.service.journal import settings_for


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    """Of one database: the spool is the same for each."""
    return settings_for(tmp_path)
