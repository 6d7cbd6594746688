"""One deploy of a stack at a time, whoever starts it and wherever.

The lock is a config in the Swarm itself: its name is unique there, so of two that take it one is refused. It tells who
holds it and until when. A deploy that was killed leaves it behind; it is stale when its time has passed, and on the
machine that it ran on at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scripts.command import processes
from scripts.command.deadline import Deadline
from scripts.command.outcome import Refused, say
from scripts.engine import secrets_and_configs
from scripts.engine.docker import DockerError

NAME = "deploying"


class Holder(NamedTuple):
    """Who deploys, or did until it was cut off."""

    id: str
    by: str
    intended: str
    since: str
    until: float
    process: str = ""

    @property
    def stale(self) -> bool:
        return time.time() > self.until or processes.ended(self.process)

    def __str__(self) -> str:
        state = "which was cut off" if self.stale else f"until {_clock(self.until)} at the latest"
        return f"{self.by} has been at {self.intended} since {self.since}, {state}"


def holder(stack: str) -> Holder | None:
    for config in secrets_and_configs.listed("config", stack, NAME):
        facts = json.loads(config.content)
        return Holder(config.id, **facts)
    return None


@contextlib.contextmanager
def held(
    stack: str,
    by: str,
    intended: str,
    seconds: float,
    break_lock: bool = False,
    patience: float = 0.0,
) -> Iterator[Holder | None]:
    """Holds the lock, for which it waits `patience` seconds; yields whoever was cut off while holding it before."""
    if not break_lock:
        _wait(stack, patience)
    cut_off = _clear(stack, break_lock)
    facts: dict[str, Any] = {
        "by": by,
        "intended": intended,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "until": time.time() + seconds,
        "process": processes.identity(os.getpid()),
    }
    labels = {"swarmline.by": by}
    try:
        secrets_and_configs.create(
            "config", stack, NAME, json.dumps(facts), f"{stack}_{NAME}", labels
        )
    except secrets_and_configs.Taken as error:
        raise Refused(_taken(stack, holder(stack))) from error
    mine = holder(stack)
    try:
        yield cut_off
    finally:
        if mine is not None:
            remove(mine)


def _wait(stack: str, patience: float) -> None:
    deadline, announced = Deadline(patience), ""
    while not deadline.passed and (current := holder(stack)) and not current.stale:
        if current.id != announced:
            say(f"waiting: {current}")
        announced = current.id
        time.sleep(min(5.0, patience))


def _clear(stack: str, break_lock: bool) -> Holder | None:
    """Removes a lock that may be taken over. By its id: another deploy may do the same at this moment."""
    current = holder(stack)
    if current is None:
        return None
    if not (current.stale or break_lock):
        raise Refused(_taken(stack, current))
    say(f"taking over the lock: {current}")
    remove(current)
    return current


def remove(held_by: Holder) -> None:
    with contextlib.suppress(DockerError):  # it is gone already
        secrets_and_configs.remove("config", held_by.id)


def _taken(stack: str, current: Holder | None) -> str:
    who = str(current) if current else "another deploy has just begun"
    return f"stack {stack} is locked: {who}; wait, or, where it was killed, `make unlock`"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S UTC")
