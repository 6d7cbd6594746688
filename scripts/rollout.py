"""One release comes in, or the one before comes back: what deploy, rollback and traffic have in common."""

from __future__ import annotations

import time
from typing import Any

from scripts import interrupts, ledger, lock, records, same, secrets, stack, swarm, unrecorded
from scripts.bring import bring_in
from scripts.docker import DockerError, docker
from scripts.order import Order
from scripts.outcome import Late, Refused, RolledBack, say
from scripts.progress import Bad, NoRoom, TooLate
from scripts.records import Record
from scripts.stack import Rendered
from scripts.swarm import View


def carry_out(order: Order) -> dict[str, Any]:
    """Brings the release in, or goes back and says why; then tells the ledger, which nobody waits for."""
    try:
        done = _under_lock(order)
    except (RolledBack, Late):
        ledger.after(order.stack, "")
        raise
    if done["outcome"] != "unchanged":
        ledger.after(order.stack, order.kind)
    return done


def _under_lock(order: Order) -> dict[str, Any]:
    # Time beyond both deadlines for what docker itself takes.
    longest = order.seconds + order.back_seconds + 120
    with (
        lock.held(
            order.stack, order.by, order.intended.release, longest, order.break_lock
        ) as cut_off,
        interrupts.told(),
    ):
        if cut_off is not None:
            say(
                f"the deploy of {cut_off.intended} by {cut_off.by} was cut off; going on from there"
            )
        try:
            return _with_lock(order)
        except Bad as error:
            raise Refused(f"{error}, before anything was changed") from error


def _with_lock(order: Order) -> dict[str, Any]:
    started = time.monotonic()
    history = records.history(order.stack)
    serving = records.current(history)
    rendered = stack.render(order.stack, order.inputs, secrets.current(order.stack))
    view = swarm.look(order.stack)
    if serving is not None and same.unchanged(
        order.stack, order.intended.release, rendered, view, serving
    ):
        say(f"unchanged: release {order.intended.release} runs with the same settings")
        return {"outcome": "unchanged", "release": serving.release, "record": serving.summary()}
    by_hand = unrecorded.remember(view, order.stack, history)
    attempt = _attempt(order, rendered, by_hand or serving)
    try:
        counted = bring_in(order, rendered, view, started + order.seconds, order.watch)
    except (Bad, TooLate, Refused) as error:
        return _go_back(order, attempt, serving, error, started, _up(view))
    interrupts.no_more()
    done = attempt._replace(outcome=records.VERIFIED, seconds=round(time.monotonic() - started, 1))
    done = records.store(order.stack, done)
    say(f"release {done.release} serves, verified after {done.seconds:g} s")
    return {
        "outcome": "done",
        "release": done.release,
        "record": done.summary(),
        "new_replicas": counted,
    }


def would_be_unchanged(order: Order) -> bool:
    """Whether carrying the order out would change nothing. Makes configs that are not there yet, no more."""
    serving = records.current(records.history(order.stack))
    rendered = stack.render(order.stack, order.inputs, secrets.current(order.stack))
    view = swarm.look(order.stack)
    release = order.intended.release
    return serving is not None and same.unchanged(order.stack, release, rendered, view, serving)


def _attempt(order: Order, rendered: Rendered, serving: Record | None) -> Record:
    intended = order.intended
    return Record(
        number=0,
        kind=order.kind,
        release=intended.release,
        image=intended.image,
        at=records.now(),
        by=order.by,
        why=order.why,
        outcome="",
        reason="",
        settings=rendered.settings,
        replaced=serving.release if serving else "",
        seconds=0.0,
        document=intended.document,
        golden=intended.golden,
        inputs=order.inputs,
    )


def _up(view: View) -> frozenset[str]:
    return frozenset(task.id for task in view.tasks if task.up)


def _go_back(
    order: Order,
    attempt: Record,
    serving: Record | None,
    error: Exception,
    started: float,
    served: frozenset[str],
) -> dict[str, Any]:
    """`served` are the tasks that ran before: those of them that still do need not prove themselves again."""
    late = isinstance(error, TooLate)
    waited = late and not isinstance(error, NoRoom)
    reason = f"not done within {order.seconds:g} s: {error}" if waited else str(error)
    say(f"release {attempt.release} is not good: {reason}")
    kind = Late if late else RolledBack
    failed = attempt._replace(
        outcome=records.LATE if late else records.ROLLED_BACK, reason=reason, golden={}, inputs=None
    )
    if serving is None and failed.replaced:
        _remember(order.stack, failed._replace(outcome=records.FAILED), started)
        unrecorded.order_back(swarm.look(order.stack))
        raise Late(
            f"{reason}; release {failed.replaced} came without `make deploy`: Swarm was told to take it back,"
            " and nothing proves that it did; look at `make status`"
        )
    if serving is None:
        _clean_up(order.stack)
        _remember(order.stack, failed, started)
        raise kind(
            f"{reason}; there is no earlier release to go back to, so nothing serves;"
            " the services were removed, volumes and secrets are kept"
        )
    say(f"going back to release {serving.release}")
    try:
        restore(order, serving, served)
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
    )


def restore(order: Order, serving: Record, served: frozenset[str]) -> None:
    """The release that was verified last, as it was, with today's secrets."""
    assert serving.inputs is not None
    back = order._replace(intended=serving.intended, inputs=serving.inputs)
    deadline = time.monotonic() + order.back_seconds
    while True:
        try:
            rendered = stack.render(order.stack, serving.inputs, secrets.current(order.stack))
            view = swarm.look(order.stack)
            bring_in(back, rendered, view, deadline, 0, served)
            say(f"release {serving.release} serves")
            return
        except DockerError as error:
            if time.monotonic() > deadline:
                raise
            say(f"trying again: {error}")
            time.sleep(2)


def _clean_up(name: str) -> None:
    """What was never good would be started again and again."""
    try:
        docker("stack", "rm", name)
    except DockerError as error:
        say(f"could not remove stack {name}: {error}")


def _remember(name: str, failed: Record, started: float) -> Record:
    """As it was kept, with its number."""
    took = failed._replace(seconds=round(time.monotonic() - started, 1))
    try:
        return records.store(name, took)
    except DockerError as error:
        say(f"could not record this attempt: {error}")
        return took
