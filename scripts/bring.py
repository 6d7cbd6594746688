"""Brings one release in and waits until it is proven, or says why it is not."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from scripts import edge, same, settings, stack
from scripts.docker import DockerError, docker
from scripts.edge import Access
from scripts.order import Order
from scripts.outcome import say
from scripts.progress import Wait
from scripts.stack import Rendered
from scripts.swarm import View


def bring_in(
    order: Order,
    rendered: Rendered,
    view: View,
    deadline: float,
    watched: float,
    proven: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Deploys, waits, tests and watches. What the new replicas did is returned."""
    expected = same.images(rendered.text, order.stack)
    judging = watched > 0
    environ = order.inputs.variables

    def reach(now: View) -> Access:
        return edge.access(now, order.stack, {**environ, **_address(order.stack)})

    wait = Wait(order.stack, order.intended, reach, expected, deadline, proven)
    wait.start(view)
    say(f"deploying release {order.intended.release} as stack {order.stack}")
    _hand_over(order, rendered, deadline)
    view = wait.verified(wait.converged(judging))
    return wait.settled(watched)._asdict()


def _address(name: str) -> Mapping[str, str]:
    """Where the edge is, is today's affair and no release's."""
    others = {
        one: os.environ[one] for one in ("SWARMLINE_CA", "REQUESTS_CA_BUNDLE") if one in os.environ
    }
    url = settings.outside(name, "SWARMLINE_URL")
    return others | ({"SWARMLINE_URL": url} if url else {})


def _hand_over(order: Order, rendered: Rendered, deadline: float) -> None:
    labels = {
        same.SETTINGS: rendered.settings,
        same.RELEASE: order.intended.release,
        same.IMAGE: order.intended.image,
    }
    text = stack.labelled(rendered.text, labels)
    # Every image is pinned: a registry that is asked again could only fail, or answer otherwise.
    flags = ("--with-registry-auth", "--resolve-image", "never", "--prune", "--detach=true")
    while True:
        try:
            docker("stack", "deploy", *flags, "-c", "-", order.stack, given=text)
            return
        except DockerError as error:
            # The Swarm itself changed a service between docker's look and its order.
            if "out of sequence" not in error.words or time.monotonic() > deadline:
                raise
            time.sleep(1)
