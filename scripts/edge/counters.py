"""What the edge counts of each replica, read from HAProxy's own table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import NamedTuple

import requests

from scripts.edge.client import EdgeClient


class ReplicaCounters(NamedTuple):
    """One replica as one edge counts it; `window` is how many requests `mean_ms` looks back at."""

    edge: str
    slot: str
    address: str
    up: bool
    requests: int
    errors: int
    window: int
    mean_ms: float


def counters(edge: EdgeClient) -> list[ReplicaCounters]:
    """What the edge that answers this time counts; empty where it does not answer or tell."""
    if not edge.edge_key:
        return []
    try:
        answer = edge.get("/edge/stats", Authorization=f"Bearer {edge.edge_key}")
    except requests.RequestException:
        return []
    if answer.status_code != 200:
        return []
    return parse(answer.text, answer.headers.get("X-Edge", ""))


def parse(text: str, edge: str) -> list[ReplicaCounters]:
    """HAProxy's table of counters: the lines of replicas that have an address."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    return [
        _counters(row, edge)
        for row in rows
        if row["pxname"] == "models" and row["type"] == "2" and _has_address(row)
    ]


def _has_address(row: Mapping[str, str]) -> bool:
    return bool(row.get("addr")) and not row["status"].startswith("MAINT")


def _counters(row: Mapping[str, str], edge: str) -> ReplicaCounters:
    count: Callable[[str], int] = lambda name: int(row.get(name) or 0)
    answered = sum(count(f"hrsp_{kind}") for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))
    # What was sent again to another replica reached the caller well, and still speaks against this one.
    errors = count("hrsp_5xx") + count("eresp") + count("wretr")
    return ReplicaCounters(
        edge=edge,
        slot=row["svname"],
        address=row["addr"].rpartition(":")[0],
        up=row["status"].startswith("UP"),
        requests=answered + count("eresp") + count("wretr"),
        errors=errors,
        window=count("stot") or answered,
        mean_ms=float(row.get("rtime") or 0),
    )
