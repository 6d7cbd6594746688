"""One deploy of a stack at a time, whoever starts it and wherever.

The lock is a config in the Swarm itself: its name is unique there, so of two that take it one is refused. It tells who
holds it and until when. A deploy that was killed leaves it behind; it is stale when its time has passed, and on the
machine that it ran on at once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scripts.command import processes
from scripts.command.outcome import Refused, say
from scripts.engine import objects


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


def name_of(stack: str) -> str:
    return f"{stack}_deploying"


def holder(stack: str) -> Holder | None:
    for config in objects.configs(stack, "deploying"):
        facts = json.loads(config.content)
        return Holder(config.id, **facts)
    return None


@contextmanager
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
    labels = {objects.STACK: stack, objects.NAME: "deploying", "swarmline.by": by}
    try:
        objects.create(name_of(stack), json.dumps(facts), labels)
    except objects.Taken as error:
        raise Refused(_taken(stack, holder(stack))) from error
    mine = holder(stack)
    try:
        yield cut_off
    finally:
        if mine is not None:
            objects.remove(mine.id)


def _wait(stack: str, patience: float) -> None:
    until, told = time.monotonic() + patience, ""
    while time.monotonic() < until and (found := holder(stack)) and not found.stale:
        if found.id != told:
            say(f"waiting: {found}")
        told = found.id
        time.sleep(min(5.0, patience))


def _clear(stack: str, break_lock: bool) -> Holder | None:
    """Removes a lock that may be taken over. By its id: another deploy may do the same at this moment."""
    found = holder(stack)
    if found is None:
        return None
    if not (found.stale or break_lock):
        raise Refused(_taken(stack, found))
    say(f"taking over the lock: {found}")
    objects.remove(found.id)
    return found


def _taken(stack: str, found: Holder | None) -> str:
    who = str(found) if found else "another deploy has just begun"
    return f"stack {stack} is locked: {who}; wait, or take it over with --break-lock"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S UTC")
