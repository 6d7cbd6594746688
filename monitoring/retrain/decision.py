"""`decide`: what becomes of a delivery, by what the monitor knows of the model and what became of those before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from monitoring.findings import Retrain
from monitoring.retrain.message import ALERTS, Delivery

#: A retraining that is under way, or was.
BEGUN = ("started", "joined")
#: Each retraining after which the same version still answers doubles the wait, so many times at most, up to this.
MOST_DOUBLINGS = 5
LONGEST_WAIT = dt.timedelta(days=32)


class Facts(NamedTuple):
    """What the monitor's database says of a model."""

    #: The version that answers as champion; empty where none does, None where nothing of the model does.
    version: str | None
    #: The kinds of alarms that stand of the champion.
    alarms: frozenset[str]


def decide(
    delivery: Delivery,
    facts: Facts,
    history: Sequence[Retrain],
    now: dt.datetime,
    cooldown: dt.timedelta,
) -> Retrain:
    """A new request, or one of `history` (the model's, the newest first) that is the same, delivered once more."""
    if refusal := _refusal(delivery, facts):
        before = _same(delivery, history, ("refused",))
        if before is not None and before.reason == refusal:
            return _again(before)
        return _request(delivery, facts, now, outcome="refused", reason=refusal, settled_at=now)
    waiting = next((request for request in history if request.outcome == "waiting"), None)
    if waiting is not None:
        return _again(waiting)
    last = next((request for request in history if request.outcome in BEGUN), None)
    if last is not None and (until := free_at(history, facts, cooldown)) > now:
        since = history[: history.index(last) + 1]
        before = _same(delivery, since, (*BEGUN, "cool-down"))
        if before is not None:
            return _again(before)
        reason = _cooling(last, facts, until)
        return _request(delivery, facts, now, outcome="cool-down", reason=reason, settled_at=now)
    return _request(delivery, facts, now, outcome="waiting", reason="", next_at=now)


def free_at(history: Sequence[Retrain], facts: Facts, cooldown: dt.timedelta) -> dt.datetime:
    """When the next retraining may begin, by those that began before."""
    begun = [request for request in history if request.outcome in BEGUN]
    unchanged = 0
    while unchanged < len(begun) and begun[unchanged].version == facts.version:
        unchanged += 1
    doubled = cooldown * (1 << min(unchanged, MOST_DOUBLINGS))
    wait = min(doubled, max(cooldown, LONGEST_WAIT))
    return (begun[0].settled_at or begun[0].asked_at) + wait


def is_over(request: Retrain, facts: Facts) -> bool:
    """Whether none of the alarms stands any more that the request was for."""
    return not _standing(request.alerts.split(", "), facts)


def _refusal(delivery: Delivery, facts: Facts) -> str:
    if not delivery.model:
        return "the alerts name no model"
    if facts.version is None:
        return f"no model {delivery.model} answers here: the monitor has no window of it of the last month"
    if not delivery.alerts:
        return f"none of the alerts is one that newer data may be a remedy for: {', '.join(ALERTS)}"
    if not _standing(delivery.alerts, facts):
        return (
            f"the monitor has no such alarm of the champion of {delivery.model} that stands:"
            " what fired is over, or is of the challenger alone"
        )
    return ""


def _standing(alerts: Iterable[str], facts: Facts) -> bool:
    return any(ALERTS.get(alert) in facts.alarms for alert in alerts)


def _cooling(last: Retrain, facts: Facts, until: dt.datetime) -> str:
    began = last.settled_at or last.asked_at
    words = f"retraining was started at {_time(began)}; the next may begin at {_time(until)}"
    if last.version == facts.version:
        return f"{words}, or sooner once another version than {facts.version} answers"
    return words


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _same(
    delivery: Delivery, history: Iterable[Retrain], outcomes: tuple[str, ...]
) -> Retrain | None:
    matching = (
        request
        for request in history
        if request.delivery == delivery.key and request.outcome in outcomes
    )
    return next(matching, None)


def _again(request: Retrain) -> Retrain:
    return replace(request, deliveries=request.deliveries + 1)


def _request(delivery: Delivery, facts: Facts, now: dt.datetime, **fields: object) -> Retrain:
    request = Retrain(
        model=delivery.model,
        version=facts.version or "",
        alerts=", ".join(delivery.alerts),
        delivery=delivery.key,
        outcome="waiting",
        reason="",
        asked_at=now,
    )
    return replace(request, **fields)
