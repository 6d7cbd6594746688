"""Removes what no release that can be gone back to needs any more.

    python -m scripts.operate prune [--dry-run] [--keep 20] [--patience SECONDS] [--stack NAME] [--json]

Kept: the newest records, everything that runs, the configs that those records name, and of each secret the current one
and the one before. Images are removed from the engine that the docker command talks to; other nodes keep theirs, or
their own clean-up removes them. Waits for a deploy that is under way, and keeps others out meanwhile.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from scripts.command.options import add_break_lock, add_patience, add_who_and_why, parsed, parser
from scripts.command.outcome import finish, say
from scripts.engine import lock, secrets_and_configs
from scripts.engine.docker import DockerError, docker, docker_json
from scripts.engine.secrets_and_configs import Stored
from scripts.ledger import records, replicas
from scripts.ledger.records import Record
from scripts.monitoring_stack import state
from scripts.stack_file import render
from scripts.stack_file.monitoring import PREFIX

KEEP = 20
#: Seconds that the lock may be held, and those for which a deploy may hold it before.
LONGEST = 600.0


def split(history: list[Record], keep: int) -> tuple[list[Record], list[Record]]:
    """The records to keep and those to forget: the newest of what was verified, of what was not, and of scaling, which
    may be so frequent that nothing else would be left."""
    scaled = [record for record in history if record.kind == replicas.KIND]
    good = [record for record in history if record.verified]
    bad = [record for record in history if not record.verified and record not in scaled]
    groups = (good, bad, scaled)
    return (
        [record for group in groups for record in group[:keep]],
        [record for group in groups for record in group[keep:]],
    )


def unneeded_configs(
    stack: str,
    records_kept: Iterable[Record],
    there: Iterable[Stored],
    in_use: Iterable[str] = (),
) -> list[str]:
    """Configs of the stack's files that no kept record names; of those of monitoring, that are not in use."""
    needed = set(in_use) | {
        secrets_and_configs.content_name(stack, render.CONFIGS[variable], content)
        for record in records_kept
        if record.inputs
        for variable, content in record.inputs.configs.items()
    }
    ours = set(render.CONFIGS.values())
    return [
        config.object
        for config in there
        if (config.name in ours or config.name.startswith(PREFIX)) and config.object not in needed
    ]


def unneeded_secrets(there: list[Stored], current: Iterable[str]) -> list[str]:
    """All but the current secret of a name and the one before; `there` is the oldest first."""
    unneeded: list[str] = []
    for name in {secret.name for secret in there}:
        objects = [secret.object for secret in there if secret.name == name]
        unneeded += set(objects[:-2]) - set(current)
    return sorted(unneeded)


def unneeded_images(records_kept: Iterable[Record], there: Iterable[dict[str, str]]) -> list[str]:
    """Images of the same repositories as the releases', which no kept record names."""
    needed = {
        image
        for record in records_kept
        for image in (record.image, record.inputs.monitor_image if record.inputs else "")
        if image
    }
    ours = {image.split("@")[0] for image in needed}
    names = [
        f"{each['Repository']}@{each['Digest']}" for each in there if each["Repository"] in ours
    ]
    return sorted({image for image in names if image not in needed and "<none>" not in image})


def prune(options: argparse.Namespace) -> dict[str, Any]:
    """What a deploy has made a moment ago is in no record yet, so both never work at once."""
    if options.dry_run:
        return _prune(options)
    with lock.held(
        options.stack, options.by, "a clean-up", LONGEST, options.break_lock, options.patience
    ):
        return _prune(options)


def _prune(options: argparse.Namespace) -> dict[str, Any]:
    name = options.stack
    to_keep, to_forget = split(records.history(name), options.keep)
    listed = docker_json("image", "ls", "--digests", "--format", "{{json .}}")
    wanted = {
        "record": [f"{name}_release_{record.number}" for record in to_forget],
        "config": unneeded_configs(
            name,
            to_keep,
            secrets_and_configs.listed("config", name),
            state.configs_in_use(name),
        ),
        "secret": unneeded_secrets(
            secrets_and_configs.listed("secret", name),
            secrets_and_configs.current_secrets(name).values(),
        ),
        "image": unneeded_images(to_keep, listed),
    }
    done = {
        kind: [each for each in names if options.dry_run or _remove(kind, each)]
        for kind, names in wanted.items()
    }
    verb = "would remove" if options.dry_run else "removed"
    counts = [f"{len(names)} {kind}s" for kind, names in done.items() if names]
    say(f"{verb} {', '.join(counts) or 'nothing'}; {len(to_keep)} records are kept")
    return {"dry_run": options.dry_run, **done}


def _remove(kind: str, name: str) -> bool:
    """Whether it is gone: what is in use docker refuses to remove."""
    try:
        docker("config" if kind == "record" else kind, "rm", name)
    except DockerError as error:
        if "in use" not in error.words and "is using" not in error.words:
            say(f"{name} stays: {error.words}")
        return False
    say(f"removed {kind} {name}")
    return True


def main(arguments: list[str] | None = None) -> int:
    line = add_patience(add_break_lock(add_who_and_why(parser("operate prune", __doc__))))
    line.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    line.add_argument("--keep", type=int, default=KEEP, help="releases that can be gone back to")
    options = parsed(line, arguments)
    if options.keep < 1:
        line.error("--keep must be 1 or more: what serves is always kept")
    return finish(lambda: prune(options), options.json)
