"""Each replica's own metrics, read through the edge with the edge's key."""

from __future__ import annotations

from collections.abc import Iterable

import requests

from scripts.edge.client import EdgeClient
from scripts.edge.counters import ReplicaCounters


def ask(edge: EdgeClient, replicas: Iterable[ReplicaCounters]) -> dict[str, str]:
    """By address. The edge that answers may be another one, with other slots: it says whom it asked."""
    texts: dict[str, str] = {}
    for replica in replicas:
        try:
            answer = edge.get(
                f"/edge/replicas/{replica.slot}/metrics",
                timeout=3,
                Authorization=f"Bearer {edge.edge_key}",
            )
        except requests.RequestException:
            continue
        if answer.status_code == 200:
            texts[answer.headers.get("X-Replica", "")] = answer.text
    return texts
