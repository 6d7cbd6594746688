"""Where things are: said once, and an empty variable is as one that is not set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.ci import notify
from scripts.command import files
from tests.support.scripts.swarm_in_a_file import SwarmInAFile
from training.common import state

ROOT = Path(__file__).parents[3]
EMPTY = {
    "SWARMLINE_BUILD": "",
    "SWARMLINE_BUNDLES": "",
    "SWARMLINE_REPORTS": "",
    "SWARMLINE_LOG": "",
}
PLACES: dict[str, Callable[[], Path]] = {
    "build": files.build,
    "build/bundles": files.bundles,
    "build/reports": files.reports,
    "build/secrets": files.secrets,
    "build/backups": files.backups,
    "build/release/changes.json": files.changes,
    "build/release/deploy.json": files.deploy_outcome,
}
OF_TRAINING: dict[str, Callable[[], Path]] = {
    "build": state.build,
    "build/bundles": state.bundles,
    "build/reports": state.reports,
}


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EMPTY.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("place", "ask"), PLACES.items(), ids=PLACES)
def test_an_empty_variable_is_as_one_that_is_not_set(place: str, ask: Callable[[], Path]):
    assert ask() == Path(place)


@pytest.mark.parametrize(("place", "ask"), OF_TRAINING.items(), ids=OF_TRAINING)
def test_training_reads_it_in_the_same_way(place: str, ask: Callable[[], Path]):
    assert ask() == Path(place).resolve()


def test_a_report_of_an_empty_variable_is_of_the_usual_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "build/release/release.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"release": "aaaa"}', encoding="utf-8")
    assert notify.gather().release == {"release": "aaaa"}


def test_each_package_asks_in_one_place():
    asking = [
        str(file.relative_to(ROOT))
        for package in ("outside", "scoring", "scripts", "training", "service")
        for file in sorted((ROOT / package).rglob("*.py"))
        if re.search(r'environ(\.get\(|\[)"SWARMLINE_BUILD"', file.read_text())
    ]
    assert asking == [
        *("scoring/sinks/database.py", "scripts/command/files.py", "training/common/state.py")
    ]


def test_a_key_is_handed_out_in_the_usual_folder(swarm: SwarmInAFile, tmp_path: Path):
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **EMPTY}
    command = [sys.executable, "-m", "scripts.credentials", "make"]
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)
    assert (tmp_path / "build/secrets/deployer.key").is_file()
