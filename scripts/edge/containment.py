"""The order to new replicas that were found bad to take no more requests: callers go to the former ones at once.

The way back takes Swarm half a minute, in which a bad replica would still answer. A contained one is not ready, so the
edge sends it nothing new, and it refuses what is on its way with 503, which the edge sends again to another replica.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

import requests

from scripts.command.outcome import say
from scripts.edge.client import EdgeClient
from scripts.edge.counters import ReplicaCounters, counters
from scripts.engine.swarm import Task

#: Each edge has slots of its own, and any of them may answer.
ATTEMPTS = 6
#: Seconds from an order to the next. Until its health checks fail (stack/haproxy.cfg: two, half a second and 200 ms
#: apart), an edge prefers a replica that answers 503 at once; of two such it sends a request from one to the other
#: until its retries are used up.
APART = 0.8


def contain(
    edge: EdgeClient, condemned: Collection[Task], reason: str, least_ready: int = 1
) -> list[str]:
    """The ids of those that said so. None while fewer others are ready: a release that fails a part of its requests is
    better than no release, or than one replica that drowns.
    """
    waiting = {address: task for task in condemned for address in task.addresses}
    contained: set[str] = set()
    for _ in range(ATTEMPTS):
        replicas = counters(edge)
        ready = [replica for replica in replicas if replica.up and replica.address not in waiting]
        if len(ready) < least_ready:
            break
        for replica, task in _to_tell(replicas, waiting, contained):
            if contained:
                time.sleep(APART)
            if _tell(edge, replica, task, reason):
                contained.add(task.id)
        if contained == {task.id for task in condemned}:
            break
    slots = sorted({task.slot for task in condemned if task.id in contained})
    if slots:
        say(f"of the bad release these take no more requests: {', '.join(map(str, slots))}")
    return sorted(contained)


def _to_tell(
    replicas: list[ReplicaCounters], waiting: dict[str, Task], contained: Collection[str]
) -> Iterator[tuple[ReplicaCounters, Task]]:
    for replica in replicas:
        task = waiting.get(replica.address)
        if task is not None and task.id not in contained:
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
