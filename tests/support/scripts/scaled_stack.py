"""A stack that serves, of which the number of replicas is set, on a Swarm in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from scripts.ledger import replicas
from scripts.ledger.records import Record
from scripts.rollout.rollout import carry_out
from tests.support import ROOT
from tests.support.scripts.rollouts import order
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, release

ARMS = {"late": {"champion": {"version": "1"}, "challenger": {"version": "2"}}}
MODEL = f"{NAME}_model"
SERVED: dict[str, dict[str, Any]] = {}


def past(number: int, name: str) -> Record:
    document = {"created": f"2026-01-{number:02}T00:00:00+00:00", "models": ARMS}
    return release(number, name, golden={}, document=document)


def serve(swarm: SwarmInAFile, name: str = "aaaa", number: int = 1) -> None:
    """The stack as it is after a release came in; how the first one does is the same each time."""
    is_first = not swarm.read()["config"]
    if is_first and name in SERVED:
        swarm.write({**SERVED[name], "image": swarm.read()["image"]})
        return
    carry_out(order(past(number, name)))
    if is_first:
        SERVED[name] = swarm.read()


def publish(swarm: SwarmInAFile, name: str, day: int) -> str:
    return swarm.publish(past(day, name))


def wanted(swarm: SwarmInAFile) -> tuple[int, str]:
    """How many the service is to have, and how many its label says that a command of ours ordered."""
    about = swarm.read()["service"][MODEL]["deploy"]
    return about["replicas"], about["labels"]["swarmline.replicas"]


def ordered_by_hand(swarm: SwarmInAFile, count: int) -> None:
    """As `docker service scale` does it."""
    stack = swarm.read()
    stack["service"][MODEL]["deploy"]["replicas"] = count
    swarm.write(stack)


def set_number() -> int | None:
    chosen = replicas.set_replicas(NAME)
    return chosen.replicas if chosen else None


SCALE = "from scripts.release import scale\nraise SystemExit(scale.main(['4', '--json']))"


def cut_short(swarm: SwarmInAFile, number: int) -> subprocess.CompletedProcess[str]:
    """By a signal in the middle of its order to the Swarm."""
    swarm.fault("service update", signal=number)
    command = [sys.executable, "-c", SCALE]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
