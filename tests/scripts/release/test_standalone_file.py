"""One file that `docker stack deploy` takes as it is: it names everything and needs nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.release import standalone_file
from tests.support.stack_files import EDGE, ROOT

IMAGE = f"registry.example/model@sha256:{'0' * 64}"
pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command")


@pytest.fixture(name="written")
def _written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As it is written where no manager is within reach."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("MODEL_REPLICAS", "4")
    assert standalone_file.main(["--stack", "shop", "--image", IMAGE]) == 0
    return tmp_path / "release/stack.yml"


def as_docker_reads(file: Path, folder: Path) -> dict[str, Any]:
    """Elsewhere, and without any variable."""
    place = folder / "elsewhere"
    place.mkdir()
    shutil.copy(file, place)
    command = ["docker", "stack", "config", "-c", place / "stack.yml"]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    document: dict[str, Any] = yaml.safe_load(done.stdout)
    return document


def test_it_needs_no_variable_and_no_other_file(written: Path, tmp_path: Path):
    document = as_docker_reads(written, tmp_path)
    assert "configs" not in document and document["services"]["model"]["image"] == IMAGE
    assert document["services"]["model"]["deploy"]["replicas"] == 4
    assert {part["name"] for part in document["secrets"].values()} == {
        *("shop-keys", "shop-db-password", "shop-journal-url", "shop-journal-key"),
        *("shop-edge-key", "shop-edge-certificate", "shop-retrain-token"),
    }
    assert not any("configs" in service for service in document["services"].values())


def test_a_container_finds_its_files_where_they_were_mounted(written: Path, tmp_path: Path):
    edge = as_docker_reads(written, tmp_path)["services"]["edge"]
    words = edge["entrypoint"]
    assert words[:5] == ["setpriv", "--no-new-privs", "--", "sh", "-c"]
    script = words[5].replace("/etc/haproxy", str(tmp_path))
    done = subprocess.run(
        ["sh", "-c", script, "sh", "sh", "-c", "echo ${FILE_EDGE-unset}"],
        env={"PATH": os.environ["PATH"], **edge["environment"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "haproxy.cfg").read_text() == EDGE.read_text()
    assert done.stdout == "unset\n"
    # A string of the environment has 128 KiB at most.
    assert len(edge["environment"]["FILE_EDGE"]) < 100_000


def test_each_file_has_a_place_that_can_be_written_to(written: Path, tmp_path: Path):
    for service in as_docker_reads(written, tmp_path)["services"].values():
        places = {part["target"] for part in service["volumes"] if part["type"] == "tmpfs"}
        targets = re.findall(r">(/\S+);", service["entrypoint"][5])
        assert targets and {str(Path(target).parent) for target in targets} <= places
