"""Up at once, down one by one after a quiet span, never out of bounds, never twice within the cool-down."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
from msgspec.structs import replace

from monitoring.findings import Scaling
from monitoring.scale import Bounds, Rules
from monitoring.scale.capacity import BUSY, Load, replicas_for
from monitoring.scale.decision import decide

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
RULES = Rules(Bounds(2, 6), 10 * MINUTE, HOUR)


def load(lately: float = 0.5, quiet: float | None = 0.5, ordered: int = 2, **fields: Any) -> Load:
    usual = Load(lately, max(lately, quiet or 0.0), quiet, 0.5, ordered)
    return usual._replace(**fields)


def begun(first: int, last: int, ago: dt.timedelta, **fields: Any) -> Scaling:
    at = NOW - ago
    usual: dict[str, Any] = {"outcome": "started", "asked_at": at, "settled_at": at, "why": ""}
    return Scaling(first=first, last=last, **(usual | fields))


def target(now: Load, *history: Scaling, rules: Rules = RULES) -> int | None:
    scaling = decide(now, rules, history, NOW)
    return None if scaling is None else scaling.last


@pytest.mark.parametrize(
    ("used", "cores", "replicas"),
    [
        (0.0, 0.5, 1),
        (0.65, 1.0, 1),
        (0.66, 1.0, 2),
        (1.3, 1.0, 2),
        (0.3, 0.2, 3),
        (0.39, 0.2, 3),
        (4.0, 1.0, 7),
    ],
)
def test_each_replica_is_busy_to_the_share_at_the_most(used: float, cores: float, replicas: int):
    assert replicas_for(used, cores) == replicas
    assert used <= replicas * cores * BUSY + 1e-6
    assert replicas == 1 or used > (replicas - 1) * cores * BUSY


def test_as_many_as_the_load_needs_are_ordered_at_once():
    assert target(load(lately=1.5)) == 5
    scaling = decide(load(lately=1.5), RULES, (), NOW)
    assert scaling is not None and (scaling.first, scaling.outcome) == (2, "waiting")
    assert scaling.why == "1.5 cores are used of 1: 5 replicas are needed"


def test_what_is_enough_is_left():
    assert target(load(lately=0.64, quiet=0.64)) is None


def test_down_goes_one_at_a_time():
    assert target(load(ordered=6, quiet=0.2)) == 5


def test_a_load_that_one_less_cannot_bear_keeps_them_all():
    assert target(load(ordered=3, quiet=0.66)) is None


def test_until_a_whole_span_was_recorded_none_goes():
    assert target(load(ordered=6, quiet=None)) is None


@pytest.mark.parametrize(
    ("ordered", "lately", "wanted"), [(2, 9.0, 6), (1, 0.0, 2), (2, 0.0, None)]
)
def test_the_bounds_are_kept(ordered: int, lately: float, wanted: int | None):
    assert target(load(lately, 0.0, ordered=ordered)) == wanted


def test_what_was_set_out_of_bounds_comes_back_into_them():
    assert target(load(ordered=9, quiet=0.2)) == 6


def test_within_the_cool_down_nothing_is_ordered():
    assert target(load(lately=1.5), begun(1, 2, 9 * MINUTE)) is None
    assert target(load(lately=1.5), begun(1, 2, 10 * MINUTE)) == 5


def test_after_any_change_the_span_has_to_be_quiet_once_more():
    quiet = load(ordered=5, quiet=0.2)
    assert target(quiet, begun(6, 5, 59 * MINUTE)) is None
    assert target(quiet, begun(6, 5, HOUR)) == 4


def test_what_was_not_started_counts_for_no_cool_down():
    assert target(load(lately=1.5), begun(2, 5, MINUTE, outcome="ended")) == 5


def test_orders_that_change_nothing_become_rare():
    vain = [begun(2, 5, 15 * MINUTE), begun(2, 5, 30 * MINUTE)]
    assert target(load(lately=1.5), *vain[:1]) == 5
    assert target(load(lately=1.5), *vain) is None
    much = [begun(2, 5, ago * MINUTE) for ago in range(321, 500, 20)]
    assert target(load(lately=1.5), *much) == 5
    # One that did change something ends it.
    assert target(load(lately=1.5, ordered=3), *vain) == 5


def day_of(demand: Callable[[float], float], rules: Rules) -> list[tuple[float, int, float]]:
    """By quarter of a minute: cores that callers ask for, replicas, cores used; an order takes half a minute."""
    ordered, history, used = rules.bounds.least, [], []
    course: list[tuple[float, int, float]] = []
    coming: list[tuple[int, int]] = []
    for step in range(24 * 240):
        hour, now = step / 240, NOW + step * MINUTE / 4
        if coming and coming[0][0] <= step:
            ordered = coming.pop(0)[1]
        used.append(min(demand(hour), 0.5 * ordered))
        course.append((demand(hour), ordered, used[-1]))
        spans = [fmean(used[max(end - 20, 0) : end]) for end in range(max(step - 239, 1), step + 2)]
        quiet = max(spans) if step >= 240 else None
        now_load = Load(fmean(used[-8:]), max(spans), quiet, 0.5, ordered)
        if (scaling := decide(now_load, rules, history, now)) is not None:
            history.insert(0, replace(scaling, outcome="started", settled_at=now))
            coming.append((step + 2, scaling.last))
    return course


def test_over_a_day_replicas_follow_the_load_and_do_not_flap():
    def demand(hour: float) -> float:
        """A day and a night, and a burst of twenty minutes at three."""
        usual = 0.9 - 0.7 * math.cos(math.tau * hour / 24)
        return usual + (0.5 if 3 <= hour < 3 + 1 / 3 else 0.0)

    course = day_of(demand, RULES)
    counts = [count for _, count, _ in course]
    changes = sum(before != after for before, after in zip(counts, counts[1:]))
    assert RULES.bounds.least == min(counts) and 5 <= max(counts) <= RULES.bounds.most
    # Three or four up, as many down, and twice for the burst.
    assert changes <= 12
    short = sum(asked > 0.9 * 0.5 * count for asked, count, _ in course) / len(course)
    assert short < 0.01
    # As many all day long as at its busiest would have been half as many again.
    assert fmean(counts) < 0.75 * max(counts)
