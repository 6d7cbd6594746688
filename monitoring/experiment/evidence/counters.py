"""Requests that were answered and that failed, by arm: what replicas counted from one look to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from monitoring.experiment.statistics.rare_events import Counts

#: By replica, model, version and arm: requests that were answered, and that failed.
Requests = Mapping[str, Mapping[tuple[str, str, str], tuple[float, float]]]
#: Replicas that are remembered after they have gone.
MOST_REPLICAS = 200


class Counted(NamedTuple):
    """What was served since the look before; `seen` is what each replica says now, for the next."""

    counts: Counts
    seen: dict[str, list[float]]


def count_requests(
    requests: Requests, model: str, champion: str, challenger: str, seen: Mapping[str, Any]
) -> Counted:
    """Of all replicas. One that was not seen before counts from its start, if it has served the challenger by then.

    Else it served the champion alone for as long as it ran, perhaps for days before the challenger came.
    """
    totals, now = [0.0] * 4, dict(seen)
    for replica, by_arm in requests.items():
        numbers = [
            *by_arm.get((model, champion, "champion"), (0.0, 0.0)),
            *by_arm.get((model, challenger, "challenger"), (0.0, 0.0)),
        ]
        former = now.pop(replica, None)
        if former is None:
            former = [0.0] * 4 if sum(numbers[2:]) else numbers
        elif any(number < before for number, before in zip(numbers, former, strict=True)):
            # Started again: all that it says is new.
            former = [0.0] * 4
        totals = [
            total + number - before
            for total, number, before in zip(totals, numbers, former, strict=True)
        ]
        now[replica] = numbers
    newest = dict(list(now.items())[-MOST_REPLICAS:])
    answered, failed, answered_too, failed_too = totals
    return Counted(Counts(answered + failed, answered_too + failed_too, failed, failed_too), newest)
