"""Does the stack answer as the intended release? Asked through the edge, as callers do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

from scripts.edge import client, smoke
from scripts.edge.client import Access
from scripts.engine.swarm import View
from scripts.image.release import Intended

#: Each replica is asked so often, on average; the edge chooses.
ROUNDS = 4
TIMEOUT = 10.0


def targets(intended: Intended) -> Iterator[smoke.Exported]:
    for model, arms in intended.golden.items():
        for arm, known in arms.items():
            yield smoke.Exported(model, str(known["version"]), arm, known["golden"])


def golden(reach: Access, intended: Intended) -> list[smoke.Verdict]:
    """The golden rows of every model and arm; an answer of another release has no rows."""
    with reach.session() as session:
        return [
            smoke.ask(session, reach.url, one, TIMEOUT, intended.release)
            for one in targets(intended)
        ]


def wrong(reach: Access, intended: Intended) -> str:
    """What the intended release already answers wrongly while it comes in; others are not judged."""
    for verdict in golden(reach, intended):
        if verdict.problem and verdict.rows:
            return f"smoke test: {verdict}"
    return ""


def lacking(reach: Access, intended: Intended, view: View, service: str) -> str:
    """What still keeps every replica from being that release, or nothing."""
    return (
        next((str(verdict) for verdict in golden(reach, intended) if verdict.problem), "")
        or _releases(reach, intended.release, len(_addresses(view, service)))
        or _not_up(reach, view, service)
    )


def _releases(reach: Access, release: str, replicas: int) -> str:
    """Does each replica say that it is the release? Every request may meet another one."""
    for _ in range(ROUNDS * max(replicas, 1)):
        try:
            answer = reach.get("/health/ready")
            found: Any = answer.json().get("release")
        except (requests.RequestException, ValueError) as error:
            return f"{reach.url}: no answer: {error}"
        if found != release:
            return f"a replica answers as release {found}, {release} was meant"
    return ""


def _addresses(view: View, name: str) -> list[tuple[str, ...]]:
    service = view.named(name)
    return [task.addresses for task in view.of(service) if task.up] if service else []


def _not_up(reach: Access, view: View, service: str) -> str:
    """Does the edge send callers to each replica? It tells only who has the edge key."""
    up = {server.address for server in client.servers(reach) if server.up}
    if not up:
        return ""
    lost = [one for one in _addresses(view, service) if not up & set(one)]
    return f"the edge finds {len(lost)} replicas not ready" if lost else ""
