"""The way back from a release that is not good: to the one that was verified last, or to nothing."""

from __future__ import annotations

from typing import NoReturn

from scripts.command.deadline import Deadline
from scripts.command.outcome import Late, Refused, RolledBack, say
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.rollout.apply import apply
from scripts.rollout.order import AGAIN, Goal, Order
from scripts.rollout.situation import Situation, render_as_set
from scripts.rollout.wait import Condemned, NoRoom, NotGood, TooLate


def go_back(order: Order, before: Situation, error: Exception, deadline: Deadline) -> NoReturn:
    """Raises RolledBack or Late, which say why and what serves."""
    reason = str(error)
    if isinstance(error, TooLate):
        reason = f"not done within {order.seconds:g} s: {error}"
    say(f"release {before.attempt.release} is not good: {reason}")
    late = isinstance(error, TooLate | NoRoom)
    outcome, kind = (records.LATE, Late) if late else (records.ROLLED_BACK, RolledBack)
    failed = before.attempt._replace(outcome=outcome, reason=reason, golden={}, inputs=None)
    serving = before.serving
    if serving is None and failed.replaced:
        _order_back_by_swarm(order.stack, failed, deadline, error)
    if serving is None:
        _remove(order.stack)
        _remember(order.stack, failed, deadline)
        raise kind(
            f"{reason}; there is no earlier release to go back to, so nothing serves;"
            " the services were removed, volumes and secrets are kept"
        ) from error
    say(f"going back to release {serving.release}")
    try:
        _restore(order, serving, before, isinstance(error, Condemned))
    except (NotGood, TooLate, NoRoom, Refused) as second:
        _remember(order.stack, failed._replace(outcome=records.FAILED), deadline)
        raise Late(
            f"{reason}; release {serving.release} was ordered back and is not verified: {second};"
            " look at `make status`"
        ) from second
    failed = _remember(order.stack, failed, deadline)
    raise kind(
        f"{reason}; release {serving.release} serves",
        serves=serving.release,
        failed=failed.summary(),
    ) from error


def _order_back_by_swarm(
    stack: str, failed: Record, deadline: Deadline, error: Exception
) -> NoReturn:
    """What served before has no record, so that only Swarm knows the way to it."""
    _remember(stack, failed._replace(outcome=records.FAILED), deadline)
    unrecorded.order_back(swarm.look(stack))
    raise Late(
        f"{failed.reason}; release {failed.replaced} came without `make deploy`: Swarm was told to take it back,"
        " and nothing proves that it did; look at `make status`"
    ) from error


def _restore(order: Order, serving: Record, before: Situation, is_condemned: bool) -> None:
    """The release that was verified last, as it was, with today's secrets."""
    goal = Goal(serving.as_release, serving.deployed_with)
    deadline = Deadline(order.back_seconds)
    # Tasks that ran before and still do need not prove themselves again.
    proven = frozenset(task.id for task in before.view.tasks if task.up)
    # Of the same image, with other settings, nothing tells the replicas apart.
    is_condemned = is_condemned and before.attempt.image != goal.release.image
    condemned = before.attempt.image if is_condemned else ""
    if condemned:
        _turn_update_back(order.stack, goal.release.image)

    def bring_back() -> None:
        rendered = render_as_set(order.stack, goal.inputs)
        view = swarm.look(order.stack)
        apply(
            order.stack,
            goal,
            rendered,
            view,
            deadline=deadline,
            watched=0,
            proven=proven,
            condemned=condemned,
        )

    deadline.retry(bring_back, DockerError, AGAIN, announcement="trying again")
    say(f"release {serving.release} serves")


def _turn_update_back(stack: str, image: str) -> None:
    """Has Swarm take the bad release back at once, where what it had before is this image.

    Until the stack is deployed again, which takes seconds, Swarm would bring in one bad replica after the other.
    """
    model = f"{stack}_model"
    former = "{{with .PreviousSpec}}{{.TaskTemplate.ContainerSpec.Image}}{{end}}"
    try:
        if docker("service", "inspect", "--format", former, model).strip() == image:
            docker("service", "rollback", "--detach", model)
    except DockerError as error:
        say(f"{model} goes on with its update until it is deployed again: {error.words}")


def _remove(stack: str) -> None:
    """What was never good would be started again and again."""
    try:
        docker("stack", "rm", stack)
    except DockerError as error:
        say(f"could not remove stack {stack}: {error}")


def _remember(stack: str, failed: Record, deadline: Deadline) -> Record:
    """As it was kept, with its number."""
    attempt = failed._replace(seconds=deadline.elapsed)
    try:
        return records.store(stack, attempt)
    except DockerError as error:
        say(f"could not record this attempt: {error}")
        return attempt
