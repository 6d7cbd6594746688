"""Whether a stack has become what it is meant to be, from what the Swarm says and never from what a command returned.

Swarm knows no deadline, `docker stack deploy` ends well after Swarm rolled back by itself, and what it says of the last
update stays until the next one. So: which update it speaks of is compared with the one before, and every running task
with its service.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple

from scripts.engine.swarm import Service, Task, View

#: How often a new service's replicas may break before it is given up: Swarm itself would go on for ever.
TRIES = 3


class Baseline(NamedTuple):
    """What was said of a service's last update, before this deploy."""

    started: str
    version: int
    tasks: frozenset[str] = frozenset()


class State(NamedTuple):
    """Converged when `failed` and `waiting` are both empty.

    failed   why it went wrong
    task     the task that broke last, whose own words may tell more
    waiting  what still lacks, a line each
    """

    failed: str = ""
    task: str = ""
    waiting: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        return not self.failed and not self.waiting


def baseline(view: View) -> dict[str, Baseline]:
    return {
        service.name: Baseline(
            service.update_started,
            service.version,
            frozenset(task.id for task in view.of(service)),
        )
        for service in view.services
    }


def judge(
    view: View,
    expected: Mapping[str, str],
    baselines: Mapping[str, Baseline],
    proven: Set[str] = frozenset(),
) -> State:
    """`expected` is the image of each service by name; tasks that are `proven` need no watch of Swarm's any more."""
    waiting: list[str] = []
    for name, image in expected.items():
        service = view.named(name)
        if service is None:
            waiting.append(f"{name}: not there yet")
            continue
        earlier = baselines.get(name, Baseline("", -1))
        failed = _failed(view, service, image, earlier)
        if failed:
            broken = _broken(view, service, earlier) or _named(view, service)
            return State(f"{name}: {failed}", max(broken, key=_since).id if broken else "")
        waiting += _lacks(view, service, earlier, proven)
    return State(waiting=tuple(waiting))


def _failed(view: View, service: Service, image: str, before: Baseline) -> str:
    """Why this service will not get there, where that is certain."""
    fresh = service.update_started != before.started
    broken = _broken(view, service, before)
    if fresh and (service.update.startswith("rollback") or service.update == "paused"):
        return reason(view, broken) or _given_up(view, service)
    if service.image != image:
        return reason(view, broken) or f"its image is {service.image}, where {image} was meant"
    mine = [task for task in broken if task.current]
    # In an update Swarm itself decides, and says so above.
    if not service.update and len(mine) >= TRIES:
        return f"{len(mine)} tries, {reason(view, mine)}"
    return ""


def reason(view: View, broken: list[Task]) -> str:
    """What the task that broke last says, in words."""
    if not broken:
        return ""
    last = max(broken, key=_since)
    words = last.error or last.message or last.state
    code = f" (exit code {last.exit_code})" if last.exit_code and "exit" not in words else ""
    return f"a replica{_on(view, last)} {last.state}: {words}{code}"


def _given_up(view: View, service: Service) -> str:
    """Why Swarm ended its update, where no task says so: one whose health check never passed is ended by Swarm."""
    named = _named(view, service)
    if not named:
        return service.update_message or service.update
    return f"a replica{_on(view, named[0])} ended before its health check passed"


def _on(view: View, task: Task) -> str:
    node = view.nodes.get(task.node)
    return f" on {node.name}" if node else ""


def _named(view: View, service: Service) -> list[Task]:
    """The task that Swarm names in what it says of its update."""
    return [task for task in view.of(service) if task.id in service.update_message.split()]


def _broken(view: View, service: Service, before: Baseline) -> list[Task]:
    return [task for task in view.of(service) if task.broke and task.id not in before.tasks]


def _since(task: Task) -> str:
    return task.since


def _lacks(view: View, service: Service, before: Baseline, proven: Set[str]) -> list[str]:
    tasks = view.of(service)
    # A replica that is there and alive, but of the former kind, still has to be replaced.
    lacking = [f"{service.name}: {line}" for line in under_way(view, tasks)]
    running = sum(task.up and task.current for task in tasks)
    if service.replicas is not None and running < service.replicas:
        broken = [
            task for task in tasks if task.broke and task.current and task.id not in before.tasks
        ]
        why = f"; {reason(view, broken)}" if broken else ""
        lacking.append(f"{service.name}: {running} of {service.replicas} run{why}")
    if any(task.up and not task.current for task in tasks):
        lacking.append(f"{service.name}: former replicas still run")
    is_proven = all(task.id in proven for task in tasks if task.up)
    if service.update in ("updating", "rollback_started") and not is_proven:
        lacking.append(f"{service.name}: Swarm is updating")
    return lacking


def unplaceable(view: View) -> str:
    """Which replica no node has room for, and why; nothing while a replica still leaves, for that makes room."""
    if any(_leaves(view, task) for task in view.tasks):
        return ""
    for task in view.tasks:
        if task.state == "pending" and task.wanted in _COMING and "no suitable node" in task.error:
            name = next((each.name for each in view.services if each.id == task.service), "")
            return f"{name}: replica {task.slot} {_WHY['pending']}: {task.error}"
    return ""


def _leaves(view: View, task: Task) -> bool:
    """Of a node that is lost, Swarm says for a day that its tasks still run."""
    node = view.nodes.get(task.node)
    there = node is not None and node.state == "ready"
    return there and task.wanted in _LEAVING and task.state not in _OVER


def under_way(view: View, tasks: list[Task]) -> list[str]:
    """Of each task that is under way: where it is, in which state, and why that takes time."""
    lines = []
    for task in sorted(tasks, key=lambda task: task.slot):
        if task.wanted not in _COMING or task.up or task.state in ("ready", *_OVER):
            continue
        node = view.nodes.get(task.node)
        where = f"on {node.name}" if node else "on no node"
        lines.append(
            f"replica {task.slot} {where} {_WHY.get(task.state, task.state)}{_detail(task)}"
        )
    return lines


_OVER = ("complete", "failed", "rejected", "shutdown", "orphaned", "remove")
_COMING, _LEAVING = ("running", "ready"), ("shutdown", "remove")
_WHY = {
    "new": "waits to be looked at",
    "pending": "finds no node",
    "assigned": "is given to the node",
    "accepted": "is taken by the node",
    "preparing": "is pulling its image",
    "starting": "is starting: its health check does not pass yet",
    "running": "runs",
}


def _detail(task: Task) -> str:
    return f": {task.error}" if task.error else ""
