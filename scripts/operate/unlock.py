"""Takes a stack's lock away, where the deploy that holds it was killed.

    python -m scripts.operate unlock [--yes] [--stack NAME]

A lock whose time has passed, or whose deploy ended on this machine, goes at once. Of any other one nobody here can tell
whether its deploy still runs: it asks first, and --yes agrees.
"""

from __future__ import annotations

import argparse
from typing import Any

from outside.values import FLAG, Outside
from scripts.command.options import is_agreed, parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.engine import lock, swarm


def unlock(options: argparse.Namespace) -> dict[str, Any]:
    stack = options.stack
    swarm.need_manager()
    holder = lock.holder(stack)
    if holder is None:
        say(f"stack {stack} is not locked")
        return {"stack": stack, "unlocked": False}
    if not (holder.stale or options.yes or is_agreed(f"{holder}. Take the lock away?")):
        raise Refused(f"stack {stack} stays locked: {holder}; where it was killed, YES=1 agrees")
    lock.remove(holder)
    if (left := lock.holder(stack)) and left.id == holder.id:
        raise Refused(f"stack {stack} stays locked: docker did not remove the lock; try again")
    say(f"stack {stack} is unlocked: {holder}")
    return {"stack": stack, "unlocked": True, "by": holder.by, "intended": holder.intended}


def main(arguments: list[str] | None = None) -> int:
    line = parser("operate unlock", __doc__)
    line.add_argument("--yes", action="store_true", default=Outside("YES", FLAG), help="do not ask")
    options = parsed(line, arguments)
    return finish(lambda: unlock(options), options.json)
