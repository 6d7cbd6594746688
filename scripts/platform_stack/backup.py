"""Backup and restore of the platform: Jenkins' home, MLflow's database and artifacts, the registry's images.

A backup is a folder with one file for each, and `backup.json` with their hashes. It is taken while everything runs:
the database first, so that each record's artifacts are there. It holds Jenkins' keys: keep it as you keep a password.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from pathlib import Path
from typing import Any

from scripts.command import files
from scripts.command.deadline import Deadline
from scripts.command.outcome import Refused, say
from scripts.engine import backups
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
    deadline = Deadline(seconds)
    begun = time.time()
    database, image = _database(stack)
    name = f"{stack}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    folder, unfinished = place / name, place / f".{name}"
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        dump = ("pg_dump", "-U", "postgres", "-Fc", "mlflow")
        _save(unfinished / DUMP, deadline, "exec", database, *dump)
        for file, (volume, left_out) in VOLUMES.items():
            source = _inside(f"{stack}_{volume}:/from:ro", image)
            words = ("tar", "-C", "/from", "-cz", *(f"--exclude={path}" for path in left_out), ".")
            _save(unfinished / file, deadline, *source, *words)
        _write_manifest(unfinished, stack)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    say(f"{folder}: {sum(sizes.values()) / 1e6:.1f} MB")
    facts = {"folder": str(folder), "files": sizes}
    backups.note(stack, begun, facts)
    return facts


def restore(stack: str, folder: Path, seconds: float) -> dict[str, Any]:
    """What the platform has by now is replaced, after every file of the backup was found whole."""
    deadline = Deadline(seconds)
    _check(folder)
    database, image = _database(stack)
    replicas = _replicas(stack)
    _scale(stack, dict.fromkeys(replicas, 0), deadline)
    try:
        for file, (volume, _) in VOLUMES.items():
            say(f"restoring {volume}")
            target = _inside(f"{stack}_{volume}:/to", image)
            script = "find /to -mindepth 1 -delete && tar -C /to -xzp"
            _load(folder / file, deadline, *target, "sh", "-ec", script)
        say("restoring MLflow's database")
        for statement in (
            "DROP DATABASE IF EXISTS mlflow WITH (FORCE)",
            "CREATE DATABASE mlflow OWNER mlflow",
        ):
            docker("exec", database, "psql", "-U", "postgres", "-qc", statement)
        words = ("pg_restore", "-U", "postgres", "-d", "mlflow", "--exit-on-error")
        _load(folder / DUMP, deadline, "exec", "-i", database, *words)
    finally:
        # Whatever happened: a platform that is down helps nobody to find out.
        _scale(stack, replicas, deadline)
    say(f"{stack} is as {folder.name} has it")
    return {"stack": stack, "folder": str(folder)}


def _database(stack: str) -> tuple[str, str]:
    """The container of the database on this node, and its image, which has all the programs that are needed."""
    containers = docker("ps", "--quiet", "--filter", f"label={IN_CONTAINER}={stack}_db").split()
    if not containers:
        raise Refused(
            f"{stack}'s database does not run on this node; start it with `make platform`, or name its node's"
            " engine with DOCKER_HOST"
        )
    return containers[0], docker_json("inspect", containers[0])[0]["Config"]["Image"]


def _inside(mount: str, image: str) -> tuple[str, ...]:
    alone = ("--network", "none", "--user", "0:0", "--entrypoint", "")
    return ("run", "--rm", "--interactive", *alone, "--volume", mount, image)


def _replicas(stack: str) -> dict[str, int]:
    replicas = {}
    for name in WRITERS:
        (service,) = docker_json("service", "inspect", f"{stack}_{name}")
        replicas[name] = int(service["Spec"]["Mode"]["Replicated"]["Replicas"])
    return replicas


def _scale(stack: str, wanted: dict[str, int], deadline: Deadline) -> None:
    counts = {f"{stack}_{name}": count for name, count in wanted.items()}
    docker("service", "scale", "--detach", *(f"{name}={count}" for name, count in counts.items()))
    deadline.wait_for(
        lambda: all(_runs(name) == count for name, count in counts.items()),
        lambda: f"not all of {', '.join(counts)} have the replicas that they should",
    )


def _runs(service: str) -> int:
    """Tasks that run, or that have not ended yet though they should have."""
    tasks = docker_json("service", "ps", "--format", "{{json .}}", service)
    ended = ("Complete", "Failed", "Shutdown", "Rejected", "Orphaned", "Remove")
    going = [task for task in tasks if not task["CurrentState"].startswith(ended)]
    running = [task for task in going if task["CurrentState"].startswith("Running")]
    return len(running) if len(running) == len(going) else -1


def _save(file: Path, deadline: Deadline, *arguments: str) -> None:
    with files.create_private(file) as out:
        docker_stream(*arguments, out=out, seconds=deadline.left())


def _load(file: Path, deadline: Deadline, *arguments: str) -> None:
    with file.open("rb") as source:
        docker_stream(*arguments, stdin=(source,), seconds=deadline.left())


def _write_manifest(folder: Path, stack: str) -> None:
    sums = {file.name: files.sha256(file) for file in sorted(folder.iterdir())}
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    files.write_json(folder / "backup.json", {"stack": stack, "created": created, "files": sums})


def _check(folder: Path) -> None:
    try:
        wanted = json.loads((folder / "backup.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"{folder} is no backup: backup.json cannot be read ({error})") from error
    if missing := {DUMP, *VOLUMES} - set(wanted):
        raise Refused(f"{folder} is no backup: it has no {', '.join(sorted(missing))}")
    for name, sum_ in wanted.items():
        if not (folder / name).is_file() or files.sha256(folder / name) != sum_:
            raise Refused(f"{folder / name} is not what was backed up; nothing was changed")
