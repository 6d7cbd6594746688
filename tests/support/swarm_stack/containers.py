"""What tests of the images have in common: how one is built, and run without rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import ROOT
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.shell import wait_until

MARK = "mark-of-a-secret"
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


class Built(NamedTuple):
    """An image, and what the command has told and written of it."""

    swarm: Swarm
    folder: Path
    told: dict[str, Any]
    words: str

    @property
    def tag(self) -> str:
        return str(self.told["image"])

    def inspect(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.swarm.docker("image", "inspect", self.tag))[0]
        return found

    def written(self, name: str) -> Any:
        return json.loads((self.folder / "release" / name).read_text(encoding="utf-8"))


class Mlflow(NamedTuple):
    """MLflow's image by digest, and the file of its bill of materials."""

    image: str
    sbom: str


def command(swarm: Swarm, folder: Path, *words: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", *words, "--json"],
        cwd=ROOT,
        env={**os.environ, **swarm.env, "SWARMLINE_BUILD": str(folder), **environ},
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def build(swarm: Swarm, folder: Path, *words: str, **environ: str) -> Built:
    code, out, err = command(swarm, folder, "scripts.image.build", "build", *words, **environ)
    assert code == 0, err
    return Built(swarm, folder, json.loads(out), err)


@contextmanager
def running(swarm: Swarm, image: str, *options: str) -> Iterator[str]:
    """A container with no network and no rights, ended whatever happens."""
    name = swarm.docker("run", "--detach", "--network", "none", *HARDENED, *options, image).strip()
    try:
        yield name
    finally:
        swarm.docker("rm", "--force", "--volumes", name)


def health(swarm: Swarm, container: str) -> str:
    return swarm.docker("inspect", "--format", "{{.State.Health.Status}}", container).strip()


def wait_for_health(swarm: Swarm, container: str, expected: str, seconds: float = 60) -> None:
    wait_until(lambda: health(swarm, container) == expected, f"{container} is {expected}", seconds)


def logs(swarm: Swarm, container: str) -> str:
    """Both of its outputs."""
    return swarm.manager.logs(container)
