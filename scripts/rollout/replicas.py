"""Another number of replicas of the service that runs: ordered, waited for, proven, or taken back."""

from __future__ import annotations

from typing import NamedTuple

from scripts.command import interrupts
from scripts.command.deadline import Deadline
from scripts.command.outcome import Late, RolledBack, Stopped, say
from scripts.edge import client
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.engine.stacks import OVERTAKEN
from scripts.engine.swarm import Service, View
from scripts.ledger.records import Record
from scripts.rollout.order import AGAIN
from scripts.rollout.wait import NoRoom, NotGood, TooLate, Wait
from scripts.stack_file.rendered import REPLICAS


class Change(NamedTuple):
    """Of which service, and which release proves it; the times are seconds."""

    stack: str
    service: Service
    serving: Record
    replicas: int
    seconds: float
    back_seconds: float


def change_replicas(change: Change, view: View) -> None:
    """Returns once as many serve, each of them found ready by the edge. RolledBack or Late where they do not."""
    try:
        try:
            _bring(change, change.replicas, view, change.seconds)
        finally:
            # The Swarm has changed: from here on everything is finished, whoever interrupts.
            interrupts.no_more()
    except (NotGood, TooLate, NoRoom, DockerError) as error:
        raise _go_back(change, error) from error


def _bring(change: Change, count: int, view: View, seconds: float) -> None:
    """The replicas that run already are left alone: nothing of a task is changed."""
    name, deadline = change.service.name, Deadline(seconds)
    wait = _wait(change, view, deadline)
    deadline.retry(
        lambda: docker(
            *("service", "update", "--detach", "--replicas", str(count)),
            *("--label-add", f"{REPLICAS}={count}", name),
        ),
        DockerError,
        step=1.0,
        words=OVERTAKEN,
    )
    wait.until_proven(wait.until_converged(is_judging=False))


def _wait(change: Change, view: View, deadline: Deadline) -> Wait:
    variables = change.serving.deployed_with.variables
    return Wait(
        change.stack,
        change.serving.as_release,
        lambda now: client.client_for(now, change.stack, variables),
        {change.service.name: change.service.image},
        view,
        deadline=deadline,
    )


def _go_back(change: Change, error: Exception) -> Stopped:
    """What to raise, once as many replicas run as before."""
    before = change.service.replicas or 0
    reason = str(error)
    if isinstance(error, TooLate):
        reason = f"not done within {change.seconds:g} s: {error}"
    say(f"{change.replicas} replicas do not serve: {reason}; going back to {before}")
    kind = Late if isinstance(error, TooLate | NoRoom) else RolledBack
    deadline = Deadline(change.back_seconds)
    try:
        deadline.retry(
            lambda: _bring(change, before, swarm.look(change.stack), deadline.left()),
            DockerError,
            AGAIN,
            announcement="trying again",
        )
    except (NotGood, TooLate, NoRoom, DockerError) as second:
        return Late(
            f"{reason}; {before} replicas were ordered back and are not verified: {second}; look at `make status`"
        )
    return kind(f"{reason}; {before} replicas serve, as before", serves=change.serving.release)
