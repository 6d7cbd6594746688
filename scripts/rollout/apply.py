"""Brings one release in and waits until it is proven, or says why it is not."""

from __future__ import annotations

from scripts.command.deadline import Deadline
from scripts.command.outcome import say
from scripts.edge import client
from scripts.edge.canary import Tally
from scripts.engine import stacks
from scripts.engine.swarm import View
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
    labels = {SETTINGS: rendered.settings, RELEASE: goal.release.name, IMAGE: goal.release.image}
    stacks.deploy(stack, rendered.labelled(labels), deadline)
    view = wait.until_converged(is_judging=watched > 0)
    wait.until_proven(view)
    return wait.watch(watched)
