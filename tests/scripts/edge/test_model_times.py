"""Which model new replicas answer too slowly for, by histograms as the service writes them."""

from __future__ import annotations

import math

import prometheus_client as prometheus
import pytest
from prometheus_client.core import CollectorRegistry

from scripts.edge.model_times import Span, parse, tally, verdict
from service.process.metrics import BUCKETS

FAST, SLOW = 0.002, 0.2


def metrics(**seconds: list[float]) -> str:
    """Of a replica that answered for these models, in so many seconds each."""
    registry = CollectorRegistry()
    latency = prometheus.Histogram(
        "swarmline_latency_seconds",
        "",
        ["model", "version", "arm"],
        buckets=BUCKETS,
        registry=registry,
    )
    for model, answers in seconds.items():
        for place, answer in enumerate(answers):
            latency.labels(model, "1", ("champion", "challenger")[place % 2]).observe(answer)
    return prometheus.generate_latest(registry).decode()


def test_the_arms_of_a_model_are_taken_together():
    histograms = parse(metrics(late=[FAST] * 3 + [SLOW], early=[FAST]))
    assert set(histograms) == {"late", "early"}
    assert histograms["late"][0.0025] == 3 and histograms["late"][math.inf] == 4


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


def test_a_model_that_is_new_has_nothing_to_be_compared_with():
    assert verdict(parse(metrics(late=[SLOW] * 50)), parse(metrics(early=[FAST] * 50))) == ""


def test_what_a_replica_answered_before_it_was_first_seen_does_not_count():
    before, now = parse(metrics(late=[SLOW] * 900)), parse(metrics(late=[SLOW] * 900 + [FAST] * 40))
    spans = {"old": Span(before, now), "new": Span({}, parse(metrics(late=[SLOW] * 40)))}
    assert "of 40 answers for late" in verdict(tally(spans, {"new"}), tally(spans, {"old"}))


def test_a_replica_that_began_to_count_anew_subtracts_nothing():
    spans = {"old": Span(parse(metrics(late=[FAST] * 900)), parse(metrics(late=[FAST] * 5)))}
    assert tally(spans, {"old"})["late"][math.inf] == 0
