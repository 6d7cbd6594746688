"""What tests of a rollout order: an old release that serves, and a new one, of a stack in a file."""

from __future__ import annotations

from typing import Any

from scripts.ledger.records import Record
from scripts.rollout.order import Goal, Order
from scripts.rollout.rollout import carry_out
from tests.support.scripts.swarm_in_a_file import SwarmInAFile, release

OLD, NEW = release(1, "aaaa"), release(2, "bbbb")
#: The docker command that keeps a record.
RECORD = "config create --label swarmline.stack=shop --label swarmline.name=release"
BROKEN = {"state": "failed", "error": "task: non-zero exit (1)"}


def order(wanted: Record = NEW, **facts: Any) -> Order:
    assert wanted.inputs is not None
    goal = Goal(wanted.as_release, wanted.inputs)
    usual = Order("shop", "deploy", wanted.release, lambda _: goal, "ann", "", 60.0, 60.0, 0.0)
    return usual._replace(**facts)


SERVED: list[dict[str, Any]] = []


def serve(swarm: SwarmInAFile) -> None:
    """The stack as it is after the old release came in."""
    if SERVED:
        swarm.write(SERVED[0])
        return
    carry_out(order(OLD))
    SERVED.append(swarm.read())


def outcomes(swarm: SwarmInAFile) -> list[tuple[str, str]]:
    """The oldest first."""
    return [(record.release, record.outcome) for record in reversed(swarm.history)]
