"""Trainings on a disk that is full or read-only: `unshare -Urm python -m tests.support.bad_disk FOLDER SPEC`.

A program of its own, since it mounts a small disk that nobody else shall see. It prints what each training came to.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.processes import Done
from tests.support.training import Workspace

#: What a training finds left of the disk, in KB: it ends at another step each time.
ROOM = (0, 30, 150, 600)


def main(folder: Path, spec: Path) -> None:
    build, workspace, outcomes = folder / "build", Workspace(folder), {}
    build.mkdir()
    with _mounted("size=64m,ro", build):
        outcomes["read-only"] = _came_to(workspace, workspace.training("train", spec))
    with _mounted("size=64m", build):
        outcomes["before"] = _came_to(workspace, workspace.training("train", spec))
        for room in ROOM:
            _fill(build / "ballast", room)
            outcomes[f"{room} KB left"] = _came_to(
                workspace, workspace.training("train", "--force", spec)
            )
            (build / "ballast").unlink()
        (build / "closed").mkdir()
        with _mounted("ro", build / "closed") as reports:
            done = workspace.training("train", "--force", spec, SWARMLINE_REPORTS=str(reports))
            outcomes["reports read-only"] = _came_to(workspace, done)
        outcomes["after"] = _came_to(workspace, workspace.training("train", "--force", spec))
        print(json.dumps(outcomes), flush=True)


@contextlib.contextmanager
def _mounted(options: str, place: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
    yield place
    # What MLflow's database has open is let go with the process.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(path: Path, room: int) -> None:
    with path.open("wb") as ballast:
        left = os.statvfs(path.parent)
        size = left.f_bavail * left.f_frsize - room * 1024
        os.posix_fallocate(ballast.fileno(), 0, size)


def _came_to(workspace: Workspace, done: Done) -> dict[str, Any]:
    """How it ended, what it said, and what is there of the model."""
    there = (workspace.folder / "build" / "mlflow.db").is_file()
    return {
        "code": done.code,
        "said": done.err,
        "unfinished": [str(path) for path in workspace.folder.rglob(".*.incomplete*")],
        "versions": (
            [int(version.number) for version in workspace.versions("small")] if there else []
        ),
        "runs": [run.info.status for run in workspace.runs("small")] if there else [],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
