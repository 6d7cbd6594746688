"""Takes the stack down. Volumes, secrets and the records of releases stay, unless they are to go too.

    python -m scripts.operate.down [--yes] [--volumes] [--deadline SECONDS] [--stack NAME]

--volumes also removes the journal's volumes on this engine, every secret and every record: nothing is left to go back
to.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from scripts.command.options import FLAG, Outside, parsed, parser, signed
from scripts.command.outcome import Late, Refused, finish, say
from scripts.engine import lock, swarm, vault
from scripts.engine.docker import DockerError, docker
from scripts.operate.up import agreed


def down(options: argparse.Namespace) -> dict[str, Any]:
    name = options.stack
    swarm.need_manager()
    what = "its volumes, secrets and records" if options.volumes else "its services"
    if not options.yes and not agreed(f"Remove stack {name}: {what}?"):
        raise Refused("nothing was removed; YES=1 agrees")
    with lock.held(name, options.by, "taking it down", options.deadline + 60, options.break_lock):
        docker("stack", "rm", name)
        until = time.monotonic() + options.deadline
        wait_gone(name, until)
        removed = everything(name, until) if options.volumes else []
    say(
        f"stack {name} is down" + ("" if options.volumes else "; volumes, secrets and records stay")
    )
    return {"stack": name, "removed": removed}


def wait_gone(name: str, until: float) -> None:
    """The containers end after the services are gone, and the networks after them."""
    label = f"label=com.docker.stack.namespace={name}"
    while docker("ps", "--quiet", "--filter", label) or docker(
        "network", "ls", "--quiet", "--filter", label
    ):
        if time.monotonic() > until:
            raise Late(f"stack {name} is ordered down, and some of it has not ended yet")
        time.sleep(0.5)


def everything(name: str, until: float) -> list[str]:
    """Volumes on this engine, secrets and configs; what a container elsewhere still holds is tried again."""
    label = f"label=com.docker.stack.namespace={name}"
    wanted = [("volume", one) for one in docker("volume", "ls", "-q", "--filter", label).split()]
    # The lock goes last, by who holds it: without it a deploy could begin among the rest.
    mine = lock.holder(name)
    for kind in ("secret", "config"):
        found = docker(kind, "ls", "--quiet", "--filter", f"label=swarmline.stack={name}").split()
        wanted += [(kind, one) for one in found if mine is None or one != mine.id]
    # Those that were made by hand have a plain name and no label.
    wanted += [("secret", one) for one in vault.unlabelled(name)]
    for kind, one in wanted:
        _remove(kind, one, until)
    say(f"removed {len(wanted)} volumes, secrets and configs; other nodes keep their volumes")
    return [one for _, one in wanted]


def _remove(kind: str, one: str, until: float) -> None:
    while True:
        try:
            docker(kind, "rm", one)
            return
        except DockerError as error:
            if "in use" not in error.words or time.monotonic() > until:
                raise
            time.sleep(0.5)


def main(arguments: list[str] | None = None) -> int:
    made = signed(parser("down", __doc__, 120.0))
    made.add_argument("--yes", action="store_true", default=Outside("YES", FLAG), help="do not ask")
    made.add_argument(
        "--volumes",
        action="store_true",
        default=Outside("VOLUMES", FLAG),
        help="also volumes, secrets and records",
    )
    options = parsed(made, arguments)
    return finish(lambda: down(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
