"""One release comes in, or the one before comes back: what deploy, rollback and traffic have in common."""

from __future__ import annotations

import time
from typing import Any

from scripts.command import interrupts
from scripts.command.outcome import Late, Refused, RolledBack, say
from scripts.engine import lock
from scripts.engine.docker import DockerError
from scripts.ledger import records, releases, unrecorded
from scripts.ledger.records import Record
from scripts.release.apply import bring_in
from scripts.release.back import go_back
from scripts.release.order import Order
from scripts.release.situation import Situation
from scripts.release.wait import Bad, TooLate, heed

#: Seconds until a manager that failed is asked again.
AGAIN = 2.0


def carry_out(order: Order) -> dict[str, Any]:
    """Brings the release in, or goes back and says why; then tells the ledger, which nobody waits for."""
    try:
        done = _under_lock(order)
    except (RolledBack, Late):
        releases.after(order.stack, "")
        raise
    if done["outcome"] != "unchanged":
        releases.after(order.stack, order.kind)
    return done


def _under_lock(order: Order) -> dict[str, Any]:
    # Time beyond both deadlines for what docker itself takes.
    longest = order.seconds + order.back_seconds + 120
    with (
        lock.held(order.stack, order.by, order.subject, longest, order.break_lock) as cut_off,
        interrupts.told(),
    ):
        if cut_off is not None:
            say(
                f"the deploy of {cut_off.intended} by {cut_off.by} was cut off; going on from there"
            )
        try:
            return _bring_in_or_go_back(order)
        except Bad as error:
            raise Refused(f"{error}, before anything was changed") from error


def _bring_in_or_go_back(order: Order) -> dict[str, Any]:
    started = time.monotonic()
    now = Situation.of(order)
    if now.is_unchanged(order.stack):
        return _unchanged(now)
    heed()
    now = now.after(unrecorded.remember(now.view, order.stack))
    try:
        try:
            counted = bring_in(
                order.stack,
                now.goal,
                now.rendered,
                now.view,
                deadline=started + order.seconds,
                watched=order.watch,
            )
        finally:
            # The Swarm has changed: from here on everything is finished, whoever interrupts.
            interrupts.no_more()
    except (Bad, TooLate, Refused) as error:
        go_back(order, now, error, started)
    return _done(order, now.attempt, counted, started)


def _unchanged(now: Situation) -> dict[str, Any]:
    assert now.serving is not None
    release = now.serving.release
    say(f"unchanged: release {release} runs with the same settings")
    return {"outcome": "unchanged", "release": release, "record": now.serving.summary()}


def _done(order: Order, attempt: Record, counted: dict[str, Any], started: float) -> dict[str, Any]:
    took = round(time.monotonic() - started, 1)
    done = _recorded(order, attempt._replace(outcome=records.VERIFIED, seconds=took))
    say(f"release {done.release} serves, verified after {done.seconds:g} s")
    return {
        "outcome": "done",
        "release": done.release,
        "record": done.summary(),
        "new_replicas": counted,
    }


def _recorded(order: Order, done: Record) -> Record:
    """With its number. Without a record nobody could go back to it: tried until the Swarm takes it."""
    deadline = time.monotonic() + order.back_seconds
    while True:
        try:
            return records.store(order.stack, done)
        except DockerError as error:
            if time.monotonic() > deadline:
                raise Late(
                    f"release {done.release} serves, verified, and is not recorded: {error};"
                    " deploy it again, else the next deploy that fails goes back to another"
                ) from error
            say(f"trying again to record the release: {error}")
            time.sleep(AGAIN)
