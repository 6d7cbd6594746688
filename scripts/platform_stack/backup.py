"""Backup and restore of the platform: Jenkins' home, MLflow's database and artifacts, the registry's images.

A backup is a folder with one file for each, and `backup.json` with their hashes. It is taken while everything runs:
the database first, so that each record's artifacts are there. It holds Jenkins' keys: keep it as you keep a password.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from scripts.command.outcome import Late, Refused, say
from scripts.engine.docker import docker, docker_json, docker_stream

#: File, volume, its folder, and what is left out because it is made again or belongs to a build that runs.
VOLUMES = {
    "mlflow.tar.gz": ("mlflow", ()),
    "jenkins.tar.gz": ("jenkins", ("./war", "./caches", "./workspace", "./logs", "./.cache")),
    "images.tar.gz": ("images", ()),
}
DUMP = "mlflow.dump"
#: Those that write to what is restored; the database stays.
WRITERS = ("gate", "agent", "controller", "tracking", "images")
IN_CONTAINER = "com.docker.swarm.service.name"


def backup(stack: str, place: Path, seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    database, image = _database(stack)
    name = f"{stack}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    folder, unfinished = place / name, place / f".{name}"
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        _out(unfinished / DUMP, end, "exec", database, "pg_dump", "-U", "postgres", "-Fc", "mlflow")
        for file, (volume, left_out) in VOLUMES.items():
            words = ("tar", "-C", "/from", "-cz", *(f"--exclude={one}" for one in left_out), ".")
            _out(unfinished / file, end, *_inside(f"{stack}_{volume}:/from:ro", image), *words)
        _write_manifest(unfinished, stack)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    say(f"{folder}: {sum(sizes.values()) / 1e6:.1f} MB")
    return {"folder": str(folder), "files": sizes}


def restore(stack: str, folder: Path, seconds: float) -> dict[str, Any]:
    """What the platform has by now is replaced, after every file of the backup was found whole."""
    end = time.monotonic() + seconds
    _check(folder)
    database, image = _database(stack)
    replicas = _replicas(stack)
    _scale(stack, {name: 0 for name in replicas}, end)
    try:
        for file, (volume, _) in VOLUMES.items():
            say(f"restoring {volume}")
            script = "find /to -mindepth 1 -delete && tar -C /to -xzp"
            _in(folder / file, end, *_inside(f"{stack}_{volume}:/to", image), "sh", "-ec", script)
        say("restoring MLflow's database")
        for statement in (
            "DROP DATABASE IF EXISTS mlflow WITH (FORCE)",
            "CREATE DATABASE mlflow OWNER mlflow",
        ):
            docker("exec", database, "psql", "-U", "postgres", "-qc", statement)
        _in(
            folder / DUMP,
            end,
            "exec",
            "-i",
            database,
            "pg_restore",
            "-U",
            "postgres",
            "-d",
            "mlflow",
            "--exit-on-error",
        )
    finally:
        # Whatever happened: a platform that is down helps nobody to find out.
        _scale(stack, replicas, end)
    say(f"{stack} is as {folder.name} has it")
    return {"stack": stack, "folder": str(folder)}


def _database(stack: str) -> tuple[str, str]:
    """The container of the database on this node, and its image, which has all the programs that are needed."""
    found = docker("ps", "--quiet", "--filter", f"label={IN_CONTAINER}={stack}_db").split()
    if not found:
        raise Refused(
            f"{stack}'s database does not run on this node; start it with `make platform`, or name its node's"
            " engine with DOCKER_HOST"
        )
    return found[0], docker_json("inspect", found[0])[0]["Config"]["Image"]


def _inside(mount: str, image: str) -> tuple[str, ...]:
    alone = ("--network", "none", "--user", "0:0", "--entrypoint", "")
    return ("run", "--rm", "--interactive", *alone, "--volume", mount, image)


def _replicas(stack: str) -> dict[str, int]:
    found = {}
    for name in WRITERS:
        (service,) = docker_json("service", "inspect", f"{stack}_{name}")
        found[name] = int(service["Spec"]["Mode"]["Replicated"]["Replicas"])
    return found


def _scale(stack: str, wanted: dict[str, int], end: float) -> None:
    docker(
        "service",
        "scale",
        "--detach",
        *(f"{stack}_{name}={count}" for name, count in wanted.items()),
    )
    names = {f"{stack}_{name}": count for name, count in wanted.items()}
    while not all(_runs(name) == count for name, count in names.items()):
        if time.monotonic() > end:
            raise Late(f"not all of {', '.join(names)} have the replicas that they should")
        time.sleep(1)


def _runs(service: str) -> int:
    """Tasks that run, or that have not ended yet though they should have."""
    tasks = docker_json("service", "ps", "--format", "{{json .}}", service)
    ended = ("Complete", "Failed", "Shutdown", "Rejected", "Orphaned", "Remove")
    going = [one for one in tasks if not one["CurrentState"].startswith(ended)]
    running = [one for one in going if one["CurrentState"].startswith("Running")]
    return len(running) if len(running) == len(going) else -1


def _out(file: Path, end: float, *arguments: str) -> None:
    with file.open("wb") as writer:
        os.chmod(file, 0o600)
        docker_stream(*arguments, out=writer, seconds=_left(end))


def _in(file: Path, end: float, *arguments: str) -> None:
    with file.open("rb") as reader:
        docker_stream(*arguments, given=(reader,), seconds=_left(end))


def _left(end: float) -> float:
    return max(end - time.monotonic(), 1.0)


def _write_manifest(folder: Path, stack: str) -> None:
    files = {file.name: _hash(file) for file in sorted(folder.iterdir())}
    made = {"stack": stack, "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    (folder / "backup.json").write_text(
        json.dumps({**made, "files": files}, indent=1), encoding="utf-8"
    )


def _check(folder: Path) -> None:
    try:
        wanted = json.loads((folder / "backup.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"{folder} is no backup: backup.json cannot be read ({error})") from error
    if missing := {DUMP, *VOLUMES} - set(wanted):
        raise Refused(f"{folder} is no backup: it has no {', '.join(sorted(missing))}")
    for name, sum_ in wanted.items():
        if not (folder / name).is_file() or _hash(folder / name) != sum_:
            raise Refused(f"{folder / name} is not what was backed up; nothing was changed")


def _hash(file: Path) -> str:
    with file.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()
