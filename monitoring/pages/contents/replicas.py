"""How many replicas of the model service the load needed, in sentences for the overview."""

from __future__ import annotations

import datetime as dt

from monitoring.findings.scalings import Scalings
from monitoring.findings.values import Capacity, Scaling
from monitoring.pages.words import age, plural

#: Older, what was measured is said to be old.
FRESH = dt.timedelta(minutes=10)


def sentences(scalings: Scalings, now: dt.datetime) -> list[str]:
    """Nothing where nothing was ever measured."""
    capacity = scalings.capacity()
    if capacity is None:
        return []
    newest = scalings.newest(1)
    return [_needed(capacity, now), *(_ordered(scaling, now) for scaling in newest)]


def _needed(capacity: Capacity, now: dt.datetime) -> str:
    bounded = (
        f", {capacity.needed} within REPLICAS_MIN and REPLICAS_MAX"
        if capacity.needed != capacity.unbounded
        else ""
    )
    old = now - capacity.measured_at > FRESH
    return (
        f"The load of the last day needed {plural(capacity.unbounded, 'replica')} of the model service{bounded};"
        f" {capacity.ordered} {'is' if capacity.ordered == 1 else 'are'} ordered. In its busiest 5 minutes it used"
        f" {capacity.busiest:.2g} cores, and a replica may use {capacity.cores:.2g}"
        f"{f' (measured {age((now - capacity.measured_at).total_seconds())})' if old else ''}."
    )


def _ordered(scaling: Scaling, now: dt.datetime) -> str:
    words = {
        "waiting": "waits for Jenkins",
        "started": "was given to Jenkins",
        "ended": "was not started",
    }
    return (
        f"The last change by AUTOSCALE, from {scaling.first} to {scaling.last}, {words[scaling.outcome]}"
        f" {age((now - scaling.asked_at).total_seconds())}: {scaling.reason or scaling.why}."
    )
