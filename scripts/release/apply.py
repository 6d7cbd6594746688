"""Brings one release in and waits until it is proven, or says why it is not."""

from __future__ import annotations

import time
from typing import Any

from scripts.command.outcome import say
from scripts.edge import client
from scripts.edge.client import Access
from scripts.engine.docker import DockerError, docker
from scripts.engine.swarm import View
from scripts.image.release import Intended
from scripts.release import unchanged
from scripts.release.order import Goal
from scripts.release.wait import Wait
from scripts.stack_file import render
from scripts.stack_file.render import Rendered


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
    expected = unchanged.images(rendered.text, name)
    judging = watched > 0

    def reach(now: View) -> Access:
        return client.access(now, name, goal.inputs.variables)

    wait = Wait(name, goal.intended, reach, expected, deadline, proven)
    wait.start(view)
    say(f"deploying release {goal.intended.release} as stack {name}")
    _hand_over(name, goal.intended, rendered, deadline)
    view = wait.verified(wait.converged(judging))
    return wait.settled(watched)._asdict()


def _hand_over(name: str, intended: Intended, rendered: Rendered, deadline: float) -> None:
    labels = {
        unchanged.SETTINGS: rendered.settings,
        unchanged.RELEASE: intended.release,
        unchanged.IMAGE: intended.image,
    }
    text = render.labelled(rendered.text, labels)
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
