"""Which model new replicas answer too slowly for, by histograms as the service writes them."""

from __future__ import annotations

import math

import pytest

from scripts.edge.model_times import Span, parse, tally, verdict
from service.process.metrics import BUCKETS

FAST, SLOW = 0.002, 0.2


def metrics(challenger: list[float] | None = None, **seconds: list[float]) -> str:
    """Of a replica whose champions of these models answered in so many seconds each, and the challenger of `late`."""
    arms = [(model, "1", "champion", answers) for model, answers in seconds.items()]
    arms += [("late", "2", "challenger", challenger)] if challenger else []
    return "".join(
        f'swarmline_latency_seconds_bucket{{arm="{arm}",le="{bound}",model="{model}",version="{version}"}}'
        f" {sum(answer <= float(bound) for answer in answers)}.0\n"
        for model, version, arm, answers in arms
        for bound in (*BUCKETS, "+Inf")
    )


def test_each_arm_of_a_model_is_read():
    histograms = parse(metrics([SLOW] * 2, late=[FAST] * 3, early=[FAST]))
    late, challenger = ("late", "champion"), ("late", "challenger")
    assert set(histograms) == {late, challenger, ("early", "champion")}
    assert histograms[late][0.0025] == histograms[late][math.inf] == 3
    assert histograms[challenger][0.0025] == 0 and histograms[challenger][math.inf] == 2


def test_one_model_that_became_slow_is_named_however_many_others_are_not():
    old = parse(metrics(late=[FAST] * 50, early=[FAST] * 5000))
    new = parse(metrics(late=[SLOW] * 20, early=[FAST] * 5000))
    assert verdict(new, old) == (
        "of 20 answers for late half took the new replicas 100 ms or longer, the old ones at most 2.5 ms"
    )


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ([SLOW] * 19, [FAST] * 50),  # too few of the new
        ([SLOW] * 50, [FAST] * 19),  # too few of the old
        ([SLOW] * 50, [SLOW] * 50),  # it is slow by nature
        ([FAST] * 30 + [5.0] * 20, [FAST] * 50),  # pauses
        ([0.009] * 50, [FAST] * 50),  # a few milliseconds more
    ],
)
def test_chance_pauses_and_small_differences_condemn_nobody(new: list[float], old: list[float]):
    assert verdict(parse(metrics(late=new)), parse(metrics(late=old))) == ""


def test_a_challenger_that_nobody_waits_for_condemns_nobody():
    """In shadow it has all that the champion has, and the golden rows that are its own."""
    new = parse(metrics([SLOW] * 50, late=[FAST] * 40))
    assert verdict(new, parse(metrics([FAST] * 50, late=[FAST] * 40))) == ""


def test_a_slow_champion_is_not_hidden_by_a_challenger_in_shadow():
    new, old = (parse(metrics([FAST] * 40, late=[each] * 40)) for each in (SLOW, FAST))
    assert "of 40 answers for late" in verdict(new, old)


def test_a_challenger_that_callers_had_already_may_become_champion():
    old = parse(metrics([SLOW] * 400, late=[FAST] * 20))
    assert verdict(parse(metrics(late=[SLOW] * 400)), old) == ""


def test_a_model_that_is_new_has_nothing_to_be_compared_with():
    assert verdict(parse(metrics(late=[SLOW] * 50)), parse(metrics(early=[FAST] * 50))) == ""


def test_what_a_replica_answered_before_it_was_first_seen_does_not_count():
    before, now = parse(metrics(late=[SLOW] * 900)), parse(metrics(late=[SLOW] * 900 + [FAST] * 40))
    spans = {"old": Span(before, now), "new": Span({}, parse(metrics(late=[SLOW] * 40)))}
    assert "of 40 answers for late" in verdict(tally(spans, {"new"}), tally(spans, {"old"}))


def test_a_replica_that_began_to_count_anew_subtracts_nothing():
    spans = {"old": Span(parse(metrics(late=[FAST] * 900)), parse(metrics(late=[FAST] * 5)))}
    assert tally(spans, {"old"})["late", "champion"][math.inf] == 0
