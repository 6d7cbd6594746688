"""A stack on a Swarm in a file, for the tests of whatever acts on one. It becomes at once what it is told to be, so
that commands look again sooner than at a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.engine import docker
from scripts.monitoring_stack import bring_in
from scripts.rollout import back, replicas, rollout, wait
from tests.support.scripts.docker_in_process import subprocesses
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, edge, environ, stand_in


@pytest.fixture(name="is_process")
def _is_process() -> bool:
    """Whether each call of the docker command is a process, as a user's is."""
    return False


@pytest.fixture(name="swarm")
def _swarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_process: bool
) -> Iterator[SwarmInAFile]:
    for module, pause in ((wait, "POLL"), (bring_in, "POLL")):
        monkeypatch.setattr(module, pause, 0.02)
    for module in (back, replicas, rollout):
        monkeypatch.setattr(module, "AGAIN", 0.1)
    swarm = SwarmInAFile(tmp_path / "swarm")
    stand_in(tmp_path / "bin")
    if not is_process:
        here = subprocesses(tmp_path / "bin/docker", swarm.folder)
        monkeypatch.setattr(docker, "subprocess", here)
    with edge(swarm) as url:
        for name, value in environ(tmp_path, url).items():
            monkeypatch.setenv(name, value)
        yield swarm
