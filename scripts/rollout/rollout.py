"""One release comes in, or the one before comes back: what deploy, rollback and traffic have in common."""

from __future__ import annotations

from typing import Any

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.outcome import Late, Refused, RolledBack, say
from scripts.edge.canary import Tally
from scripts.engine import lock
from scripts.engine.docker import DockerError
from scripts.ledger import records, releases, unrecorded
from scripts.ledger.records import Record
from scripts.rollout.apply import apply
from scripts.rollout.back import go_back
from scripts.rollout.order import AGAIN, Order
from scripts.rollout.situation import Situation
from scripts.rollout.wait import NoRoom, NotGood, TooLate


def carry_out(order: Order) -> dict[str, Any]:
    """Brings the release in, or goes back and says why; then writes the ledger, which fails no deploy."""
    try:
        outcome = _roll_out_under_lock(order)
    except (RolledBack, Late):
        releases.write_after(order.stack)
        raise
    if outcome["outcome"] != "unchanged":
        releases.write_after(order.stack, champions_move=order.kind == "rollback")
    return outcome


def _roll_out_under_lock(order: Order) -> dict[str, Any]:
    # Time beyond both deadlines for what docker itself takes.
    longest = order.seconds + order.back_seconds + 120
    with (
        lock.held(order.stack, order.by, order.subject, longest, order.break_lock) as cut_off,
        interrupts.going_back(),
    ):
        if cut_off is not None:
            say(
                f"the deploy of {cut_off.intended} by {cut_off.by} was cut off; going on from there"
            )
        return _roll_out(order)


def _roll_out(order: Order) -> dict[str, Any]:
    deadline = Deadline(order.seconds)
    now = Situation.of(order)
    if now.is_unchanged:
        return _unchanged(now)
    if reason := interrupts.reason():
        raise Refused(f"{reason}, before anything was changed")
    now = now.after(unrecorded.remember(now.view, order.stack))
    try:
        tally = _apply(order, now, deadline)
    except (NotGood, TooLate, NoRoom, Refused) as error:
        go_back(order, now, error, deadline)
    return _record(order, now.attempt, tally, deadline)


def _unchanged(now: Situation) -> dict[str, Any]:
    assert now.serving is not None
    release = now.serving.release
    say(f"unchanged: release {release} runs with the same settings")
    return {"outcome": "unchanged", "release": release, "record": now.serving.summary()}


def _apply(order: Order, now: Situation, deadline: Deadline) -> Tally:
    goal, rendered, view = now.goal, now.rendered, now.view
    try:
        return apply(order.stack, goal, rendered, view, deadline=deadline, watched=order.watch)
    finally:
        # The Swarm has changed: from here on everything is finished, whoever interrupts.
        interrupts.no_more()


def _record(order: Order, attempt: Record, tally: Tally, deadline: Deadline) -> dict[str, Any]:
    verified = attempt._replace(outcome=records.VERIFIED, seconds=deadline.elapsed)
    record = _store(order, verified)
    say(f"release {record.release} serves, verified after {record.seconds:g} s")
    return {
        "outcome": "done",
        "release": record.release,
        "record": record.summary(),
        "new_replicas": tally._asdict(),
    }


def _store(order: Order, verified: Record) -> Record:
    """With its number. Without a record nobody could go back to it: tried until the Swarm takes it."""
    try:
        return Deadline(order.back_seconds).retry(
            lambda: records.store(order.stack, verified),
            DockerError,
            AGAIN,
            announcement="trying again to record the release",
        )
    except DockerError as error:
        raise Late(
            f"release {verified.release} serves, verified, and is not recorded: {error};"
            " deploy it again, else the next deploy that fails goes back to another"
        ) from error
