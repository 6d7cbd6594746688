"""A backup leaves in the Swarm when it was begun; the newest counts, and none fails for that."""

from __future__ import annotations

import pytest

from scripts.engine import backups
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile


def test_the_newest_backup_is_noted_in_the_place_of_the_one_before(swarm: SwarmInAFile) -> None:
    backups.note(NAME, 1000.4, {"file": "a.dump"})
    backups.note(NAME, 2000.6, {"file": "b.dump"})
    configs = {name: about for name, about in swarm.read()["config"].items() if "backup" in name}
    assert list(configs) == [f"{NAME}_backup"]
    assert configs[f"{NAME}_backup"]["labels"][backups.AT] == "2001"
    assert "b.dump" in configs[f"{NAME}_backup"]["content"]


def test_a_swarm_that_cannot_be_told_fails_no_backup(
    swarm: SwarmInAFile, capsys: pytest.CaptureFixture[str]
) -> None:
    swarm.fault("config create", words="no more")
    backups.note(NAME, 1000.0, {})
    assert "the Swarm was not told of this backup" in capsys.readouterr().err
