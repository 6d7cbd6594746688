"""Removes what no release that can be gone back to needs any more.

    python -m scripts.operate.prune [--dry-run] [--keep 20] [--patience SECONDS] [--stack NAME] [--json]

Kept: the newest records, everything that runs, the configs that those records name, and of each secret the current one
and the one before. Images are removed from the engine that the docker command talks to; other nodes keep theirs, or
their own clean-up removes them. Waits for a deploy that is under way, and keeps others out meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from scripts.command.options import parsed, parser, signed
from scripts.command.outcome import finish, say
from scripts.credentials import manage
from scripts.engine import lock, objects, vault
from scripts.engine.docker import DockerError, docker, docker_json
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file import render

KEEP = 20
#: Seconds that the lock may be held, and those for which a deploy may hold it before.
LONGEST, PATIENCE = 600.0, 1800.0


def split(history: list[Record], keep: int) -> tuple[list[Record], list[Record]]:
    """The records to keep and those to forget: the newest of what was verified, and of what was not."""
    good = [record for record in history if record.verified]
    bad = [record for record in history if not record.verified]
    return good[:keep] + bad[:keep], good[keep:] + bad[keep:]


def unneeded_configs(
    name: str, kept: Iterable[Record], there: Iterable[objects.Config]
) -> list[str]:
    """Configs of the stack's files that no kept record names."""
    needed = {
        objects.content_name(name, render.CONFIGS[variable], content)
        for record in kept
        if record.inputs
        for variable, content in record.inputs.configs.items()
    }
    ours = set(render.CONFIGS.values())
    return [
        one.name for one in there if one.labels.get(objects.NAME) in ours and one.name not in needed
    ]


def unneeded_secrets(there: list[vault.Kept], current: Iterable[str]) -> list[str]:
    """All but the current secret of a name and the one before; `there` is the oldest first."""
    found = []
    for name in {one.name for one in there}:
        known = [one.object for one in there if one.name == name]
        found += [one for one in known[:-2] if one not in set(current)]
    return sorted(found)


def unneeded_images(kept: Iterable[Record], there: Iterable[dict[str, str]]) -> list[str]:
    """Images of the same repositories as the releases', which no kept record names."""
    needed = {record.image for record in kept}
    ours = {image.split("@")[0] for image in needed}
    named = [f"{one['Repository']}@{one['Digest']}" for one in there if one["Repository"] in ours]
    return sorted({image for image in named if image not in needed and "<none>" not in image})


def prune(options: argparse.Namespace) -> dict[str, Any]:
    """What a deploy has made a moment ago is in no record yet, so both never work at once."""
    if options.dry_run:
        return _prune(options)
    with lock.held(
        options.stack, options.by, "a clean-up", LONGEST, options.break_lock, options.patience
    ):
        return _prune(options)


def _prune(options: argparse.Namespace) -> dict[str, Any]:
    name, keep = options.stack, options.keep
    kept, forgotten = split(records.history(name), keep)
    listed = docker_json("image", "ls", "--digests", "--format", "{{json .}}")
    wanted = {
        "record": [f"{name}_release_{record.number}" for record in forgotten],
        "config": unneeded_configs(name, kept, objects.configs(name)),
        "secret": unneeded_secrets(vault.kept("secret", name), manage.current(name).values()),
        "image": unneeded_images(kept, listed),
    }
    done = {
        kind: [one for one in found if options.dry_run or _removed(kind, one)]
        for kind, found in wanted.items()
    }
    verb = "would remove" if options.dry_run else "removed"
    told = [f"{len(found)} {kind}s" for kind, found in done.items() if found]
    say(f"{verb} {', '.join(told) or 'nothing'}; {len(kept)} records are kept")
    return {"dry_run": options.dry_run, **done}


def _removed(kind: str, name: str) -> bool:
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
    made = signed(parser("prune", __doc__))
    made.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    made.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds to wait for a deploy to end"
    )
    made.add_argument("--keep", type=int, default=KEEP, help="releases that can be gone back to")
    options = parsed(made, arguments)
    if options.keep < 1:
        made.error("--keep must be 1 or more: what serves is always kept")
    return finish(lambda: prune(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
