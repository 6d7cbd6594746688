"""A stack on a Swarm in a file, for the tests of whatever acts on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scripts.swarm_in_a_file import SwarmInAFile, edge, environ, stand_in


@pytest.fixture(name="swarm")
def _swarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmInAFile]:
    swarm = SwarmInAFile(tmp_path / "swarm")
    stand_in(tmp_path / "bin")
    with edge(swarm) as url:
        for name, value in environ(tmp_path, url).items():
            monkeypatch.setenv(name, value)
        yield swarm
