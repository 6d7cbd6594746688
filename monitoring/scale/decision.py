"""`decide`: whether another number of replicas is to be ordered now: up at once, down one by one after a quiet span."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from monitoring.findings import Scaling
from monitoring.scale.capacity import Bounds, Load, replicas_for

#: Each order after which as many replicas are ordered as before doubles the wait, so many times at most.
MOST_DOUBLINGS = 5


class Rules(NamedTuple):
    """`cooldown` is the least time from one order to the next, `quiet` how long one less has to be enough."""

    bounds: Bounds
    cooldown: dt.timedelta
    quiet: dt.timedelta


class Target(NamedTuple):
    replicas: int
    why: str


def target_of(load: Load, rules: Rules) -> Target | None:
    """How many replicas the load asks for, if others than are ordered; never out of bounds."""
    needed = rules.bounds.within(replicas_for(load.lately, load.cores))
    if needed > load.ordered:
        return Target(
            needed,
            f"{load.lately:.2g} cores are used of {load.ordered * load.cores:.2g}: {needed} replicas are needed",
        )
    if load.quiet is None:
        return None
    enough = rules.bounds.within(replicas_for(load.quiet, load.cores))
    if enough >= load.ordered:
        return None
    # One at a time, but for what is above the bounds: nothing out of them can be ordered.
    return Target(
        min(load.ordered - 1, rules.bounds.most),
        f"at most {load.quiet:.2g} cores were used of {load.ordered * load.cores:.2g} for"
        f" {rules.quiet.total_seconds() / 60:g} minutes: {enough} replicas are enough",
    )


def decide(
    load: Load, rules: Rules, history: Sequence[Scaling], now: dt.datetime
) -> Scaling | None:
    """A new order, or None; `history` has the newest first."""
    target = target_of(load, rules)
    if target is None:
        return None
    begun = [scaling for scaling in history if scaling.outcome == "started"]
    if begun:
        since = now - (begun[0].settled_at or begun[0].asked_at)
        is_down = target.replicas < load.ordered
        # What was ordered a moment ago is not judged by the time before it.
        if since < _wait(begun, load, rules) or (is_down and since < rules.quiet):
            return None
    return Scaling(
        first=load.ordered, last=target.replicas, why=target.why, asked_at=now, next_at=now
    )


def _wait(begun: Sequence[Scaling], load: Load, rules: Rules) -> dt.timedelta:
    """The cool-down, doubled for each order that changed nothing: a job that fails is not started all day long."""
    vain = 0
    while vain < len(begun) and load.ordered == begun[vain].first != begun[vain].last:
        vain += 1
    return rules.cooldown * (1 << min(max(vain - 1, 0), MOST_DOUBLINGS))
