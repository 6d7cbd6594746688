"""What becomes of a delivery: pure, by a table of what was before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from monitoring.findings import Retrain
from monitoring.retrain.decision import Facts, decide, free_at, is_over
from monitoring.retrain.message import Delivery

NOW = dt.datetime(2026, 11, 26, 5, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
DELIVERY = Delivery("yield", ("InputDrift",), "key")
DRIFTS = Facts("3", frozenset({"drift"}))


def request(
    at: dt.datetime, outcome: Any = "started", version: str = "3", **fields: Any
) -> Retrain:
    values: dict[str, Any] = {
        "id": 7,
        "model": "yield",
        "version": version,
        "alerts": "InputDrift",
        "delivery": "key",
        "outcome": outcome,
        "reason": "",
        "asked_at": at,
        "settled_at": None if outcome == "waiting" else at,
    }
    return Retrain(**values | fields)


def test_what_waits_already_is_not_taken_twice():
    waiting = request(NOW - HOUR, "waiting", delivery="another")
    decided = decide(DELIVERY, DRIFTS, [waiting], NOW, DAY)
    assert (decided.id, decided.deliveries, decided.outcome) == (7, 2, "waiting")


def test_another_alert_in_the_cooldown_is_refused_with_the_time():
    other = DELIVERY._replace(key="another")
    decided = decide(other, DRIFTS, [request(NOW - HOUR)], NOW, DAY)
    assert decided.outcome == "cool-down" and decided.id == 0
    assert "started at 2026-11-26 04:00:00 UTC" in decided.reason
    # The version of then still answers: twice the cool-down.
    words = "the next may begin at 2026-11-28 04:00:00 UTC, or sooner once another version than 3"
    assert words in decided.reason
    again = decide(
        other,
        DRIFTS,
        [request(NOW, "cool-down", delivery="another", id=8), request(NOW - HOUR)],
        NOW,
        DAY,
    )
    assert (again.id, again.deliveries) == (8, 2)


@pytest.mark.parametrize("outcome", ["refused", "cool-down", "ended"])
def test_what_started_nothing_begins_no_cooldown(outcome: str):
    history = [request(NOW - HOUR, outcome, delivery="another")]
    assert decide(DELIVERY, DRIFTS, history, NOW, DAY).outcome == "waiting"


def test_a_standing_alert_is_taken_again_once_the_cooldown_is_over():
    history = [request(NOW - DAY - HOUR, version="2")]
    assert decide(DELIVERY, DRIFTS, history, NOW, DAY).outcome == "waiting"


def test_the_wait_doubles_with_each_retraining_that_changed_nothing():
    history = [request(NOW - number * HOUR) for number in range(1, 9)]
    for unchanged, days in ((1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (8, 32)):
        assert free_at(history[:unchanged], DRIFTS, DAY) == NOW - HOUR + days * DAY
    assert free_at(history, Facts("4", frozenset()), DAY) == NOW - HOUR + DAY
    assert (
        free_at([request(NOW, version="4"), *history], Facts("4", frozenset()), DAY)
        == NOW + 2 * DAY
    )
    assert free_at(history, DRIFTS, 60 * DAY) == NOW - HOUR + 60 * DAY


@pytest.mark.parametrize(
    ("delivery", "facts", "words"),
    [
        (DELIVERY._replace(model=""), DRIFTS, "name no model"),
        (DELIVERY, Facts(None, frozenset()), "no model yield answers here"),
        (DELIVERY._replace(alerts=()), DRIFTS, "InputDrift, RelationDrift"),
        (DELIVERY, Facts("3", frozenset({"missing"})), "is over"),
    ],
)
def test_each_refusal_says_why_and_once(delivery: Delivery, facts: Facts, words: str):
    decided = decide(delivery, facts, [], NOW, DAY)
    assert decided.outcome == "refused" and words in decided.reason
    kept = request(NOW, "refused", reason=decided.reason)
    assert decide(delivery, facts, [kept], NOW, DAY).deliveries == 2


def test_an_alert_of_which_nothing_stands_is_over():
    waiting = request(NOW, "waiting", alerts="InputDrift, QualityBelowGate")
    assert not is_over(waiting, Facts("3", frozenset({"quality"})))
    assert is_over(waiting, Facts("3", frozenset({"missing"})))
