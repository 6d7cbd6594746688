"""What stops an image before it is built or published, as the command says it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.engine import images
from scripts.engine.docker import DockerError
from scripts.engine.images import repository
from scripts.image.build import labels_of
from tests.support.scripts.checkout import checkout, release, write

ROOT = Path(__file__).parents[3]


def command(build: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """The exit code, and the one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.image", *arguments],
        cwd=ROOT,
        env={**os.environ, "SWARMLINE_BUILD": str(build), "REGISTRY": "", **environ},
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stderr.strip()


def test_without_bundles_there_is_no_image(tmp_path: Path):
    code, words = command(tmp_path, "build")
    assert code == 1
    assert words.startswith(f"swarmline: {tmp_path / 'bundles'}: there is no bundle;")


def test_without_an_engine_there_is_no_image(tmp_path: Path):
    build = checkout(tmp_path) / "build"
    code, words = command(build, "build", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert code == 1
    assert words.startswith("swarmline: no Docker engine answers (")
    assert words.endswith("start one, or name one with DOCKER_HOST")


def test_without_a_docker_command_there_is_no_image(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git") or "git")
    build = checkout(tmp_path) / "build"
    code, words = command(build, "build", PATH=str(tmp_path / "bin"))
    assert (code, words.partition(";")[0]) == (1, "swarmline: there is no docker command in PATH")


def test_publishing_needs_a_registry(tmp_path: Path):
    code, words = command(tmp_path, "publish", "--json")
    assert code == 1
    assert words.startswith("swarmline: REGISTRY is not set; name where to publish as host:port")


@pytest.mark.parametrize("registry", ["https://registry.example", "a b", "registry/", "../x"])
def test_a_registry_is_a_host_with_a_path(registry: str):
    with pytest.raises(Refused, match="it must be host:port or host/path"):
        repository(registry, "swarmline/model")


@pytest.mark.parametrize("registry", ["registry.example", "10.0.0.1:5000", "host:5000/a/b_c"])
def test_a_repository_is_in_the_registry(registry: str):
    assert repository(registry, "swarmline/model") == f"{registry}/swarmline/model"


def test_a_push_that_was_killed_without_a_word_is_refused_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
):
    def docker(*words: str, **_: float) -> str:
        if words[0] == "push":
            raise DockerError(words, "")
        return ""

    monkeypatch.setattr(images, "docker", docker)
    with pytest.raises(Refused, match="could not be published .docker gave no reason."):
        images.push("swarmline/model:1", "registry.example/swarmline/model", 1)


def test_labels_say_which_release_an_image_is(tmp_path: Path):
    root = checkout(tmp_path)
    write(root / "service/__main__.py", "changed = 1\n")
    document = release(root)
    labels = labels_of(document, "")
    assert labels["org.opencontainers.image.version"] == document["release"]
    assert labels["org.opencontainers.image.revision"] == document["commit"] + "-dirty"
    assert "org.opencontainers.image.source" not in labels
    assert json.loads(labels["swarmline.models"]) == {"yield": {"champion": "3"}}
