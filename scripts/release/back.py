"""The way back from a release that is not good: to the one that was verified last, or to nothing."""

from __future__ import annotations

import time
from typing import NoReturn

from scripts.command.outcome import Late, Refused, RolledBack, say
from scripts.credentials import manage
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release.apply import bring_in
from scripts.release.order import Goal, Order
from scripts.release.situation import Situation
from scripts.release.wait import Bad, NoRoom, TooLate
from scripts.stack_file import render

#: Seconds until a manager that failed is asked again.
AGAIN = 2.0


def go_back(order: Order, before: Situation, error: Exception, started: float) -> NoReturn:
    """Raises RolledBack or Late, which say why and what serves."""
    late = isinstance(error, TooLate)
    waited = late and not isinstance(error, NoRoom)
    reason = f"not done within {order.seconds:g} s: {error}" if waited else str(error)
    say(f"release {before.attempt.release} is not good: {reason}")
    outcome, kind = (records.LATE, Late) if late else (records.ROLLED_BACK, RolledBack)
    failed = before.attempt._replace(outcome=outcome, reason=reason, golden={}, inputs=None)
    serving = before.serving
    if serving is None and failed.replaced:
        _remember(order.stack, failed._replace(outcome=records.FAILED), started)
        unrecorded.order_back(swarm.look(order.stack))
        raise Late(
            f"{reason}; release {failed.replaced} came without `make deploy`: Swarm was told to take it back,"
            " and nothing proves that it did; look at `make status`"
        ) from error
    if serving is None:
        _clean_up(order.stack)
        _remember(order.stack, failed, started)
        raise kind(
            f"{reason}; there is no earlier release to go back to, so nothing serves;"
            " the services were removed, volumes and secrets are kept"
        ) from error
    say(f"going back to release {serving.release}")
    try:
        restore(order, serving, _proven(before))
    except (Bad, TooLate, Refused) as second:
        _remember(order.stack, failed._replace(outcome=records.FAILED), started)
        raise Late(
            f"{reason}; release {serving.release} was ordered back and is not verified: {second};"
            " look at `make status`"
        ) from second
    failed = _remember(order.stack, failed, started)
    raise kind(
        f"{reason}; release {serving.release} serves",
        serves=serving.release,
        failed=failed.summary(),
    ) from error


def _proven(before: Situation) -> frozenset[str]:
    """The tasks that ran before: those of them that still do need not prove themselves again."""
    return frozenset(task.id for task in before.view.tasks if task.up)


def restore(order: Order, serving: Record, proven: frozenset[str]) -> None:
    """The release that was verified last, as it was, with today's secrets."""
    assert serving.inputs is not None
    goal = Goal(serving.intended, serving.inputs)
    deadline = time.monotonic() + order.back_seconds
    while True:
        try:
            rendered = render.render(order.stack, serving.inputs, manage.current(order.stack))
            view = swarm.look(order.stack)
            bring_in(order.stack, goal, rendered, view, deadline=deadline, watched=0, proven=proven)
            say(f"release {serving.release} serves")
            return
        except DockerError as error:
            if time.monotonic() > deadline:
                raise
            say(f"trying again: {error}")
            time.sleep(AGAIN)


def _clean_up(name: str) -> None:
    """What was never good would be started again and again."""
    try:
        docker("stack", "rm", name)
    except DockerError as error:
        say(f"could not remove stack {name}: {error}")


def _remember(name: str, failed: Record, started: float) -> Record:
    """As it was kept, with its number."""
    attempt = failed._replace(seconds=round(time.monotonic() - started, 1))
    try:
        return records.store(name, attempt)
    except DockerError as error:
        say(f"could not record this attempt: {error}")
        return attempt
