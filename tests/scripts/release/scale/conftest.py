"""Every secret and key is there, and what is waited for comes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.rollout import wait
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile


@pytest.fixture(autouse=True)
def _site(swarm: SwarmInAFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "POLL", 0.01)
    swarm.make_secrets(NAME, tmp_path / "build/secrets")
