"""The order to new replicas that were found bad to take no more requests: callers go to the former ones at once.

The way back takes Swarm half a minute, in which a bad replica would still answer. A contained one is not ready, so the
edge sends it nothing new, and it refuses what is on its way with 503, which the edge sends again to another replica.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import requests

from scripts.command.outcome import say
from scripts.edge.client import EdgeClient
from scripts.edge.counters import ReplicaCounters, counters
from scripts.engine.swarm import Task

#: Each edge has slots of its own, and any of them may answer.
ATTEMPTS = 6


def contain(edge: EdgeClient, condemned: Collection[Task], reason: str) -> list[int]:
    """The slots in the Swarm of those that said so. Without another replica that is ready, none: a release that fails a
    part of its requests is better than no release.
    """
    waiting = {address: task for task in condemned for address in task.addresses}
    contained: set[int] = set()
    for _ in range(ATTEMPTS):
        replicas = counters(edge)
        if not any(replica.up and replica.address not in waiting for replica in replicas):
            break
        for replica, task in _to_tell(replicas, waiting, contained):
            if _tell(edge, replica, task, reason):
                contained.add(task.slot)
        if contained == {task.slot for task in condemned}:
            break
    if contained:
        slots = ", ".join(map(str, sorted(contained)))
        say(f"replicas {slots} of the new release take no more requests")
    return sorted(contained)


def _to_tell(
    replicas: list[ReplicaCounters], waiting: dict[str, Task], contained: Collection[int]
) -> Iterator[tuple[ReplicaCounters, Task]]:
    for replica in replicas:
        task = waiting.get(replica.address)
        if task is not None and task.slot not in contained:
            yield replica, task


def _tell(edge: EdgeClient, replica: ReplicaCounters, task: Task, reason: str) -> bool:
    """Whether it was this replica that heard it: the edge that answers may have another in this slot."""
    headers = {
        "Authorization": f"Bearer {edge.edge_key}",
        "X-Replica-Authorization": f"Bearer {edge.key}",
    }
    order = {"replica": task.container, "reason": reason}
    try:
        with edge.session() as session:
            url = f"{edge.url}/edge/replicas/{replica.slot}/contain"
            return session.post(url, json=order, headers=headers, timeout=3).status_code == 200
    except requests.RequestException:
        return False
