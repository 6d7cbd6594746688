"""A stack, its staging, and what the tests do with both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scripts.staged_site import TRIAL, StagedSite, past
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, edge


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / f"{NAME}.env").write_text(f"STAGING={TRIAL}\nEDGE_TLS=off\n", encoding="utf-8")
    (folder / f"{TRIAL}.env").write_text("EDGE_TLS=off\nEDGE_PORT=8443\n", encoding="utf-8")
    monkeypatch.setenv("SWARMLINE_SETTINGS", str(folder))
    monkeypatch.delenv("EDGE_TLS")
    return folder


@pytest.fixture(name="trial", autouse=True)
def _trial(swarm: SwarmInAFile, settings: Path, tmp_path: Path) -> Iterator[str]:
    """The address of staging's edge. Each stack has its secrets, and a key of its own for who deploys."""
    for stack, folder in ((NAME, "build/secrets"), (TRIAL, f"build/secrets/{TRIAL}")):
        swarm.make_secrets(stack, tmp_path / folder)
    swarm.remember(past(1, "aaaa", 1))
    with edge(swarm, TRIAL) as url:
        yield url


@pytest.fixture(name="site")
def _site(swarm: SwarmInAFile, trial: str, monkeypatch: pytest.MonkeyPatch) -> StagedSite:
    return StagedSite(swarm, trial, monkeypatch)
