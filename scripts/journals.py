"""How far is each replica's journal behind? Each tells its own, through the edge, to who has the edge's key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import requests

from scripts.edge import Access, Server

#: Seconds that a prediction may wait for the database before people are told: the shipper needs one or two.
LONG = 60.0
SAMPLE = re.compile(r"^swarmline_journal_(\w+?)(?:\{[^}]*\})? ([-+.\w]+)$", re.M)


class Journal(NamedTuple):
    """What a replica has not shipped yet, and what it lost since its start."""

    lag_seconds: float
    spool_bytes: int
    dropped: int

    def __str__(self) -> str:
        parts = [f"journal {self.lag_seconds:.0f} s behind"]
        parts += [f"{self.spool_bytes / 1e6:.1f} MB spooled"] if self.spool_bytes else []
        parts += [f"{self.dropped} predictions lost to it"] if self.dropped else []
        return ", ".join(parts)


def ask(reach: Access, servers: Iterable[Server]) -> dict[str, Journal]:
    """By address. The edge that answers may be another one, with other slots: it says whom it asked."""
    found: dict[str, Journal] = {}
    for server in servers:
        try:
            answer = reach.get(
                f"/edge/replicas/{server.slot}/metrics",
                timeout=3,
                Authorization=f"Bearer {reach.edge_key}",
            )
        except requests.RequestException:
            continue
        journal = read(answer.text) if answer.status_code == 200 else None
        if journal is not None:
            found[answer.headers.get("X-Replica", "")] = journal
    return found


def read(text: str) -> Journal | None:
    """Of a replica's metrics; None where it keeps no journal."""
    samples = [(name, float(value)) for name, value in SAMPLE.findall(text)]
    known = dict(samples)
    if "lag_seconds" not in known:
        return None
    dropped = sum(value for name, value in samples if name == "dropped_total")
    return Journal(known["lag_seconds"], int(known.get("spool_bytes", 0)), int(dropped))


def warnings(journals: Mapping[str, Journal]) -> Iterator[str]:
    for address, journal in journals.items():
        if journal.lag_seconds > LONG:
            yield (
                f"the journal of replica {address} is {journal.lag_seconds:.0f} s behind,"
                f" {journal.spool_bytes / 1e6:.1f} MB wait in its spool: predictions are answered, and written"
                " once the database takes them"
            )
