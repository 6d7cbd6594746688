"""Images as the project's commands build them, and containers of them without rights."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.commands import Outcome, run

#: A setting of a build, for all that an image must keep to itself.
MARK = "mark-of-a-secret"
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


class Built(NamedTuple):
    """An image, and what the command has told and written of it."""

    swarm: Swarm
    folder: Path
    document: dict[str, Any]
    words: str

    @property
    def tag(self) -> str:
        return str(self.document["image"])

    def inspect(self) -> dict[str, Any]:
        (about,) = json.loads(self.swarm.docker("image", "inspect", self.tag))
        return dict(about)

    def written(self, name: str) -> Any:
        return json.loads((self.folder / "release" / name).read_text(encoding="utf-8"))


def run_in(swarm: Swarm, folder: Path, name: str, *arguments: str, **environ: str) -> Outcome:
    """A command that makes something in the folder."""
    variables = {**os.environ, **swarm.env, "SWARMLINE_BUILD": str(folder), **environ}
    return run(variables, name, *arguments, "--json", seconds=1800)


def build(swarm: Swarm, folder: Path, *options: str, **environ: str) -> Built:
    done = run_in(swarm, folder, "image", *options, **environ).good()
    return Built(swarm, folder, done.document, done.words)


@contextmanager
def running(swarm: Swarm, image: str, *options: str) -> Iterator[str]:
    """A container with no network and no rights, ended whatever happens."""
    name = swarm.docker("run", "--detach", "--network", "none", *HARDENED, *options, image).strip()
    try:
        yield name
    finally:
        swarm.docker("rm", "--force", "--volumes", name)


def wait_for_health(swarm: Swarm, container: str, expected: str, seconds: float = 60) -> None:
    ask = ("inspect", "--format", "{{.State.Health.Status}}", container)
    what = f"{container} is {expected}"
    wait_until(lambda: swarm.docker(*ask).strip() == expected, what, seconds)
