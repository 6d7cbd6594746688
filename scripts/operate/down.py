"""Takes the stack down, and monitoring with it. Volumes, secrets and records of releases stay, unless they go too.

    python -m scripts.operate down [--yes] [--volumes] [--deadline SECONDS] [--stack NAME]

--volumes also removes the journal's volumes on this engine, every secret and every record: nothing is left to go back
to.
"""

from __future__ import annotations

import argparse
from typing import Any

from outside.values import FLAG, Outside
from scripts.command.deadline import Deadline
from scripts.command.options import add_break_lock, add_who_and_why, is_agreed, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.engine import lock, secrets_and_configs, stacks, swarm
from scripts.engine.docker import DockerError, docker
from scripts.monitoring_stack import bring_in
from scripts.stack_file.monitoring import stack_of


def down(options: argparse.Namespace) -> dict[str, Any]:
    stack = options.stack
    swarm.need_manager()
    what = "its volumes, secrets and records" if options.volumes else "its services"
    if not options.yes and not is_agreed(f"Remove stack {stack}: {what}?"):
        raise Refused("nothing was removed; YES=1 agrees")
    with lock.held(stack, options.by, "taking it down", options.deadline + 60, options.break_lock):
        deadline = Deadline(options.deadline)
        # First, since it is on the stack's networks.
        bring_in.take_away(stack, options.deadline)
        stacks.remove(stack, deadline)
        removed = remove_everything(stack, deadline) if options.volumes else []
    say(
        f"stack {stack} is down"
        + ("" if options.volumes else "; volumes, secrets and records stay")
    )
    return {"stack": stack, "removed": removed}


def remove_everything(stack: str, deadline: Deadline) -> list[str]:
    """Volumes on this engine, secrets and configs; what a container elsewhere still holds is tried again."""
    names = (stack, stack_of(stack))
    listed = [docker("volume", "ls", "-q", "--filter", swarm.of_stack(name)) for name in names]
    wanted = [("volume", name) for volumes in listed for name in volumes.split()]
    # The lock goes last, by who holds it: without it a deploy could begin among the rest.
    mine = lock.holder(stack)
    label = f"label={secrets_and_configs.STACK}={stack}"
    for kind in ("secret", "config"):
        ids = docker(kind, "ls", "--quiet", "--filter", label).split()
        wanted += [(kind, identity) for identity in ids if mine is None or identity != mine.id]
    # Those that were made by hand have a plain name and no label.
    wanted += [("secret", identity) for identity in secrets_and_configs.unlabelled(stack)]
    for kind, name in wanted:
        _remove(kind, name, deadline)
    say(f"removed {len(wanted)} volumes, secrets and configs; other nodes keep their volumes")
    return [name for _, name in wanted]


def _remove(kind: str, name: str, deadline: Deadline) -> None:
    deadline.retry(lambda: docker(kind, "rm", name), DockerError, step=0.5, words="in use")


def main(arguments: list[str] | None = None) -> int:
    line = add_break_lock(add_who_and_why(parser("operate down", __doc__, 120.0)))
    line.add_argument("--yes", action="store_true", default=Outside("YES", FLAG), help="do not ask")
    line.add_argument(
        "--volumes",
        action="store_true",
        default=Outside("VOLUMES", FLAG),
        help="also volumes, secrets and records",
    )
    options = parsed(line, arguments)
    return finish(lambda: down(options), options.json)
