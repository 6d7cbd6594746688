"""Brings one release in and waits until it is proven, or says why it is not."""

from __future__ import annotations

from scripts.command.deadline import Deadline
from scripts.command.outcome import say
from scripts.edge import client
from scripts.edge.canary import Tally
from scripts.engine.docker import DockerError, docker
from scripts.engine.swarm import View
from scripts.image.release import Release
from scripts.rollout.order import Goal
from scripts.rollout.wait import Wait
from scripts.stack_file.rendered import IMAGE, RELEASE, SETTINGS, Rendered


def apply(
    stack: str,
    goal: Goal,
    rendered: Rendered,
    view: View,
    *,
    deadline: Deadline,
    watched: float,
    proven: frozenset[str] = frozenset(),
    condemned: str = "",
) -> Tally:
    """Deploys, waits, tests and watches; what the new replicas did. Those of the image `condemned` get no callers."""
    wait = Wait(
        stack,
        goal.release,
        lambda now: client.client_for(now, stack, goal.inputs.variables),
        rendered.images(stack),
        view,
        deadline=deadline,
        proven=proven,
        condemned=condemned,
    )
    say(f"deploying release {goal.release.name} as stack {stack}")
    _stack_deploy(stack, goal.release, rendered, deadline)
    view = wait.until_converged(is_judging=watched > 0)
    wait.until_proven(view)
    return wait.watch(watched)


def _stack_deploy(stack: str, release: Release, rendered: Rendered, deadline: Deadline) -> None:
    labels = {SETTINGS: rendered.settings, RELEASE: release.name, IMAGE: release.image}
    text = rendered.labelled(labels)
    # Every image is pinned: a registry that is asked again could only fail, or answer otherwise.
    flags = ("--with-registry-auth", "--resolve-image", "never", "--prune", "--detach=true")
    deadline.retry(
        lambda: docker("stack", "deploy", *flags, "-c", "-", stack, stdin=text),
        DockerError,
        step=1.0,
        # The Swarm itself changed a service between docker's look and its order.
        words="out of sequence",
    )
