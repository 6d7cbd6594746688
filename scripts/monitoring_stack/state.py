"""How monitoring does: what of it runs, and what is wrong, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scripts.engine import swarm
from scripts.engine.docker import docker
from scripts.engine.swarm import Service, View
from scripts.rollout import convergence
from scripts.rollout.convergence import Baseline
from scripts.stack_file.monitoring import is_wanted, stack_of
from scripts.stack_file.render import StackInputs

Baselines = Mapping[str, Baseline]
NOT_THERE = "monitoring does not run; `make monitoring` brings it in"
NO_IMAGE = (
    "monitoring does not run: no image of the monitor is known; `make image publish` makes one,"
    " MONITOR_IMAGE names one"
)


class Part(NamedTuple):
    """One service of monitoring: `failed` is why it will not come, `waiting` what still lacks."""

    name: str
    failed: str
    waiting: tuple[str, ...]

    @property
    def lack(self) -> str:
        return self.failed or "; ".join(self.waiting)


def parts(view: View, images: Mapping[str, str], baselines: Baselines) -> list[Part]:
    """Each service by itself: one that fails says nothing of the others."""
    return [_part(view, name, image, baselines) for name, image in sorted(images.items())]


def _part(view: View, name: str, image: str, baselines: Baselines) -> Part:
    state = convergence.judge(view, {name: image}, baselines)
    service = view.named(name)
    waiting = state.waiting
    # Of a service of every node, Swarm says no number.
    if service and service.replicas is None and not any(task.up for task in view.of(service)):
        waiting = waiting or (f"{name}: runs on no node",)
    return Part(name, state.failed, waiting)


def facts(stack: str, inputs: StackInputs | None) -> dict[str, Any]:
    """For `make status`."""
    view = swarm.look(stack_of(stack))
    return {
        "wanted": inputs is not None and is_wanted(inputs),
        "services": {service.name: _running(view, service) for service in view.services},
        "image": _image(view, stack),
        "problems": list(_problems(view, inputs)),
    }


def configs_in_use(stack: str) -> set[str]:
    """The configs that the services of monitoring name."""
    ids = docker("service", "ls", "--quiet", "--filter", swarm.of_stack(stack_of(stack))).split()
    specs = [facts["Spec"]["TaskTemplate"] for facts in swarm.inspect("service", ids)]
    return {
        config["ConfigName"]
        for spec in specs
        for config in spec["ContainerSpec"].get("Configs") or []
    }


def _problems(view: View, inputs: StackInputs | None) -> Iterator[str]:
    if inputs is None:
        return
    if not is_wanted(inputs):
        if view.services:
            yield "MONITORING is off, and monitoring runs; the next `make deploy` takes it away"
        return
    if not view.services:
        yield NOT_THERE if inputs.monitor_image else NO_IMAGE
        return
    images = {service.name: service.image for service in view.services}
    for part in parts(view, images, {}):
        if part.lack:
            yield f"monitoring: {part.lack}{_last_failure(view, part)}"


def _last_failure(view: View, part: Part) -> str:
    service = view.named(part.name)
    broken = [task for task in view.of(service) if task.broke] if service else []
    reason = convergence.reason(view, broken)
    return f"; {reason}" if reason and reason not in part.lack else ""


def _running(view: View, service: Service) -> str:
    up = sum(task.up for task in view.of(service))
    return str(up) if service.replicas is None else f"{up}/{service.replicas}"


def _image(view: View, stack: str) -> str:
    monitor = view.named(f"{stack_of(stack)}_monitor")
    return monitor.image if monitor else ""
