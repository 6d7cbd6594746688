"""Trainings on a disk that is full or read-only: `unshare -Urm python -m tests.training.on_a_bad_disk FOLDER SPEC`.

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

from tests.training.house import Done, House

#: What a training finds left of the disk, in KB: it ends at another step each time.
ROOM = (0, 30, 150, 600)


def main(folder: Path, spec: Path) -> None:
    build, house, told = folder / "build", House(folder), {}
    build.mkdir()
    with _mounted("size=64m,ro", build):
        told["read-only"] = _came_to(house, house.training("train", spec))
    with _mounted("size=64m", build):
        told["before"] = _came_to(house, house.training("train", spec))
        for room in ROOM:
            _fill(build / "ballast", room)
            told[f"{room} KB left"] = _came_to(house, house.training("train", "--force", spec))
            (build / "ballast").unlink()
        (build / "closed").mkdir()
        with _mounted("ro", build / "closed") as reports:
            done = house.training("train", "--force", spec, SWARMLINE_REPORTS=str(reports))
            told["reports read-only"] = _came_to(house, done)
        told["after"] = _came_to(house, house.training("train", "--force", spec))
        print(json.dumps(told), flush=True)


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


def _came_to(house: House, done: Done) -> dict[str, Any]:
    """How it ended, what it said, and what is there of the model."""
    there = (house.folder / "build" / "mlflow.db").is_file()
    return {
        "code": done.code,
        "said": done.err,
        "unfinished": [str(path) for path in house.folder.rglob(".*.incomplete*")],
        "versions": [int(one.number) for one in house.versions("small")] if there else [],
        "runs": [run.info.status for run in house.runs("small")] if there else [],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
