"""Brings one release in and waits until it is proven, or says why it is not."""

from __future__ import annotations

import time
from typing import Any

from scripts import edge, same, stack
from scripts.docker import DockerError, docker
from scripts.edge import Access
from scripts.intended import Intended
from scripts.order import Goal
from scripts.outcome import say
from scripts.progress import Wait
from scripts.stack import Rendered
from scripts.swarm import View


def bring_in(
    name: str,
    goal: Goal,
    rendered: Rendered,
    view: View,
    *,
    deadline: float,
    watched: float,
    proven: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Deploys, waits, tests and watches. What the new replicas did is returned."""
    expected = same.images(rendered.text, name)
    judging = watched > 0

    def reach(now: View) -> Access:
        return edge.access(now, name, goal.inputs.variables)

    wait = Wait(name, goal.intended, reach, expected, deadline, proven)
    wait.start(view)
    say(f"deploying release {goal.intended.release} as stack {name}")
    _hand_over(name, goal.intended, rendered, deadline)
    view = wait.verified(wait.converged(judging))
    return wait.settled(watched)._asdict()


def _hand_over(name: str, intended: Intended, rendered: Rendered, deadline: float) -> None:
    labels = {
        same.SETTINGS: rendered.settings,
        same.RELEASE: intended.release,
        same.IMAGE: intended.image,
    }
    text = stack.labelled(rendered.text, labels)
    # Every image is pinned: a registry that is asked again could only fail, or answer otherwise.
    flags = ("--with-registry-auth", "--resolve-image", "never", "--prune", "--detach=true")
    while True:
        try:
            docker("stack", "deploy", *flags, "-c", "-", name, given=text)
            return
        except DockerError as error:
            # The Swarm itself changed a service between docker's look and its order.
            if "out of sequence" not in error.words or time.monotonic() > deadline:
                raise
            time.sleep(1)
