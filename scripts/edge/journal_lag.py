"""How far each replica's journal is behind, and what it lost: read through the edge, with the edge's key."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scripts.edge import replica_metrics
from scripts.edge.client import EdgeClient
from scripts.edge.counters import ReplicaCounters

#: Seconds that a prediction may wait for the database before people are told: the shipper needs one or two.
LONG = 60.0
#: A loss stays a problem for so many seconds; after that only the replica's line tells of it.
RECENT = 86_400.0
SAMPLE = re.compile(r'^swarmline_journal_(\w+?)(?:\{reason="(\w+)"\}|\{[^}]*\})? ([-+.\w]+)$', re.M)
#: Too old to be kept when the database took it: what the retention asks for is no loss.
EXPIRED = "expired"


class Journal(NamedTuple):
    """What a replica has not shipped yet, and what was lost to its spool since the spool was made.

    `last_loss` is in Unix seconds, 0 for never.
    """

    lag_seconds: float
    spool_bytes: int
    lost: int
    last_loss: float = 0.0

    def __str__(self) -> str:
        parts = [f"journal {self.lag_seconds:.0f} s behind"]
        parts += [f"{self.spool_bytes / 1e6:.1f} MB spooled"] if self.spool_bytes else []
        parts += [f"{self.lost} predictions lost to it"] if self.lost else []
        return ", ".join(parts)


def ask(edge: EdgeClient, replicas: Iterable[ReplicaCounters]) -> dict[str, Journal]:
    """By address."""
    return of_metrics(replica_metrics.ask(edge, replicas))


def of_metrics(texts: Mapping[str, str]) -> dict[str, Journal]:
    """By address, as the replicas' metrics are."""
    read = {address: parse(text) for address, text in texts.items()}
    return {address: journal for address, journal in read.items() if journal is not None}


def parse(text: str) -> Journal | None:
    """Of a replica's metrics; None where it keeps no journal."""
    samples = [(name, reason, float(value)) for name, reason, value in SAMPLE.findall(text)]
    values = {name: value for name, _, value in samples}
    if "lag_seconds" not in values:
        return None
    lost = sum(
        value for name, reason, value in samples if name == "dropped_total" and reason != EXPIRED
    )
    # A release from before this was told: whenever it was, it is to be looked at.
    last_loss = values.get("last_loss_timestamp_seconds", time.time() if lost else 0.0)
    return Journal(values["lag_seconds"], int(values.get("spool_bytes", 0)), int(lost), last_loss)


def warnings(journals: Mapping[str, Journal]) -> Iterator[str]:
    for address, journal in journals.items():
        if journal.lag_seconds > LONG:
            yield (
                f"the journal of replica {address} is {journal.lag_seconds:.0f} s behind,"
                f" {journal.spool_bytes / 1e6:.1f} MB wait in its spool: predictions are answered, and written"
                " once the database takes them"
            )


def unshipped(journals: Mapping[str, Journal], seconds: float) -> str:
    """Which journal still lacks what was answered so many seconds ago or before; empty where none does."""
    for address, journal in journals.items():
        if journal.lag_seconds >= max(seconds, 1.0):
            return f"the journal of replica {address} is {journal.lag_seconds:.0f} s behind"
    return ""


def problems(journals: Mapping[str, Journal], now: float) -> Iterator[str]:
    """What was lost lately: predictions that were answered and that the database will never have."""
    for address, journal in journals.items():
        if journal.lost and now - journal.last_loss < RECENT:
            when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(journal.last_loss))
            yield (
                f"the journal of replica {address} has lost {journal.lost} predictions, the last at {when};"
                " the replica's log says which and why"
            )


def growing_loss(before: dict[str, int], spools: Mapping[str, Journal]) -> str:
    """Where more is lost than when the spool was first seen, in a sentence; `before` remembers that by spool.

    A node's replicas share its spool, so a spool's name is its node's.
    """
    for spool, journal in spools.items():
        lost = journal.lost - before.setdefault(spool, journal.lost)
        if lost > 0:
            return f"{lost} predictions on {spool} were lost to the journal; the replica's log says why"
    return ""
