"""Is what runs already what is wanted? Every service carries the identity of its release in its labels."""

from __future__ import annotations

import yaml

from scripts.engine.swarm import View
from scripts.ledger.records import Record
from scripts.release import convergence
from scripts.stack_file.render import Rendered

SETTINGS, RELEASE, IMAGE = "swarmline.settings", "swarmline.release", "swarmline.image"


def unchanged(stack: str, release: str, rendered: Rendered, view: View, serving: Record) -> bool:
    """Whether the same release runs with the same settings, and was verified to."""
    expected = images(rendered.text, stack)
    wanted = replicas(rendered.text, stack)
    return (
        serving.settings == rendered.settings
        and serving.release == release
        and {service.name for service in view.services} == expected.keys()
        and all(one.labels.get(SETTINGS) == rendered.settings for one in view.services)
        # Someone may have scaled by hand.
        and all(one.replicas == wanted[one.name] for one in view.services)
        and convergence.judge(view, expected, convergence.before(view)).converged
    )


def images(text: str, stack: str) -> dict[str, str]:
    services = yaml.safe_load(text)["services"]
    return {f"{stack}_{name}": about["image"] for name, about in services.items()}


def replicas(text: str, stack: str) -> dict[str, int | None]:
    """How many of each service are wanted; None where every node has one."""
    return {
        f"{stack}_{name}": (
            None if about["deploy"].get("mode") == "global" else about["deploy"].get("replicas", 1)
        )
        for name, about in yaml.safe_load(text)["services"].items()
    }
