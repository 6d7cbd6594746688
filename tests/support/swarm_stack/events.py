"""What tests of the stack have in common: figures of an event, and who answers."""

from __future__ import annotations

from tests.support.swarm.nodes import Node
from tests.support.swarm_stack.callers import Seen
from tests.support.swarm_stack.figures import note
from tests.support.swarm_stack.releases import Release
from tests.support.swarm_stack.stack import Outcome, Stack


def noted(event: str, seen: Seen, done: Outcome | None = None, **more: object) -> None:
    took = {"seconds": done.seconds} if done else {}
    note(event, **took, **more, **seen.summary)


def answering(stack: Stack) -> set[str]:
    """The releases that callers meet now."""
    with stack.called() as callers:
        pass
    return set(callers.seen.releases)


def nobody_noticed(seen: Seen) -> bool:
    return not seen.failures


def only_it_failed(seen: Seen, bad: Release) -> bool:
    """Whatever failed was answered by the bad release itself."""
    return all(one.release == bad.name for one in seen.failures)


def containers(stack: Stack, service: str) -> list[tuple[Node, str]]:
    """Those that run: node and id."""
    names = {node.name: node for node in stack.swarm.nodes}
    tasks = stack.tasks(service)
    ids = [task["Status"]["ContainerStatus"]["ContainerID"] for task in tasks]
    return list(zip([names[name] for name in stack.nodes_of(service)], ids, strict=True))
