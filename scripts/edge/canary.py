"""The judgement of new replicas beside the old ones, by what the edge counts while both answer.

The edge counts by slot, and a slot is given to another replica when one goes. So only what is counted while a slot has
one address belongs to that replica, and its mean time is freed of what the slot's former owner left in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from scripts.edge.counters import ReplicaCounters

#: HAProxy's mean looks back at so many requests, each newer one weighing more. Its documents say 1024: its source
#: takes a window of 512, which is advertised as about twice that.
WINDOW = 512
#: Fewer tell nothing.
ENOUGH_ERRORS, ENOUGH_TIMES = 5, 100
#: What is borne: errors beyond twice the old rate, time beyond three times the old.
MORE_ERRORS, TIMES_ERRORS = 0.01, 2.0
MORE_MS, TIMES_MS = 10.0, 3.0

Place = tuple[str, str, str]


class Seen(NamedTuple):
    """A replica in a slot of one edge: first and last seen."""

    first: ReplicaCounters
    last: ReplicaCounters


class Tally(NamedTuple):
    """What a group of replicas did; `mean_ms` is over `timed` requests."""

    requests: int = 0
    errors: int = 0
    timed: int = 0
    mean_ms: float = 0.0

    @property
    def rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.rate:.2%} failed, {self.mean_ms:.0f} ms"


def observe(seen: Mapping[Place, Seen], counters: Iterable[ReplicaCounters]) -> dict[Place, Seen]:
    """What was seen so far, with one more look added."""
    now = dict(seen)
    for replica in counters:
        place = (replica.edge, replica.slot, replica.address)
        before = now.get(place)
        if before is None or replica.requests < before.last.requests:
            now[place] = Seen(replica, replica)  # new here, or the edge began to count anew
        else:
            now[place] = Seen(before.first, replica)
    return now


def tally(seen: Mapping[Place, Seen], addresses: Iterable[str]) -> Tally:
    """What the replicas with these addresses did."""
    wanted = set(addresses)
    parts = [_tally(span) for (_, _, address), span in seen.items() if address in wanted]
    timed = sum(part.timed for part in parts)
    return Tally(
        sum(part.requests for part in parts),
        sum(part.errors for part in parts),
        timed,
        sum(part.mean_ms * part.timed for part in parts) / timed if timed else 0.0,
    )


def _tally(span: Seen) -> Tally:
    asked = span.last.requests - span.first.requests
    errors = span.last.errors - span.first.errors
    timed = span.last.window - span.first.window
    return Tally(asked, errors, timed, _mean(span, timed)) if timed > 0 else Tally(asked, errors)


def _mean(span: Seen, timed: int) -> float:
    """The mean of the requests since `first`, from two means that forget exponentially."""
    remembered = ((WINDOW - 1) / WINDOW) ** timed
    total = span.last.mean_ms * min(WINDOW, span.last.window)
    former = span.first.mean_ms * min(WINDOW, span.first.window)
    return max(0.0, (total - former * remembered) / (WINDOW * (1 - remembered)))


def failures(new: Tally, old: Tally) -> str:
    """Why the new ones fail too often; empty where they do not, or where nothing can be said yet."""
    if new.errors >= ENOUGH_ERRORS and new.rate > TIMES_ERRORS * old.rate + MORE_ERRORS:
        return (
            f"{new.rate:.1%} of {new.requests} requests to the new replicas failed,"
            f" of the old ones {old.rate:.1%}"
        )
    return ""


def slowness(new: Tally, old: Tally) -> str:
    """Why the new ones are too slow; as above."""
    if min(new.timed, old.timed) < ENOUGH_TIMES:
        return ""
    if new.mean_ms > TIMES_MS * old.mean_ms + MORE_MS:
        return (
            f"the new replicas answer in {new.mean_ms:.0f} ms on average over {new.timed} requests,"
            f" the old ones in {old.mean_ms:.0f} ms"
        )
    return ""


class LastingSlowness:
    """Whether new replicas stay slow: a mean is moved by a few answers, such as a replica's first ones.

    Those that are too slow are looked at once more, by what they answer from then on. If that is quick, what was
    before is forgiven.
    """

    def __init__(self) -> None:
        #: From when on a replica's times count, where that is not from when it was seen first.
        self._since: dict[Place, ReplicaCounters] = {}
        #: Of replicas that were too slow, as they were when that was seen.
        self._suspects: dict[Place, ReplicaCounters] = {}

    def judge(self, seen: Mapping[Place, Seen], new: Collection[str], old: Collection[str]) -> str:
        """Why they are too slow; empty where they are not, or where nothing can be said yet."""
        former = tally(seen, old)
        if not self._suspects:
            if slowness(tally(_seen_since(seen, self._since), new), former):
                self._suspects = {
                    place: span.last for place, span in seen.items() if place[2] in new
                }
            return ""
        # By address: an edge that came later, in the place of another, has them in places of its own.
        suspects = {address for _, _, address in self._suspects}
        answered = tally(_seen_since(seen, self._since | self._suspects), suspects)
        fault = slowness(answered, former)
        if not fault and answered.timed >= ENOUGH_TIMES:
            self._since |= self._suspects
            self._suspects = {}
        return fault


def _seen_since(
    seen: Mapping[Place, Seen], since: Mapping[Place, ReplicaCounters]
) -> dict[Place, Seen]:
    return {place: Seen(since.get(place, span.first), span.last) for place, span in seen.items()}
