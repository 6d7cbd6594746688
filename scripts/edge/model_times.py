"""How long replicas take to answer for each model, by their own histograms.

The edge counts a replica's mean over all models. One model that became slow is lost in it: who waits for an answer asks
less often, so that the other models' requests are most of the mean.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from scripts.edge.canary import MORE_MS, TIMES_MS

#: Fewer answers tell nothing of a model.
ENOUGH = 20
_BUCKET = re.compile(
    r'^swarmline_latency_seconds_bucket\{(?=[^}]*\bmodel="([^"]*)")[^}]*\ble="([^"]*)"[^}]*\} (\S+)$',
    re.M,
)

#: Answers of one model that took no longer than a bound, by that bound in seconds.
Histogram = Mapping[float, float]
Histograms = Mapping[str, Histogram]


class Span(NamedTuple):
    """Of a replica, each by model: when it was first seen, and now. A new replica's first is empty."""

    first: Histograms
    last: Histograms


def parse(text: str) -> Histograms:
    """Of a replica's metrics; the arms of a model together."""
    histograms: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for model, bound, answers in _BUCKET.findall(text):
        histograms[model][float(bound)] += float(answers)
    return histograms


def tally(spans: Mapping[str, Span], addresses: Collection[str]) -> Histograms:
    """What the replicas with these addresses answered since they were first seen."""
    added: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for address in addresses & spans.keys():
        first, last = spans[address]
        for model, histogram in last.items():
            before = first.get(model, {})
            for bound, answers in histogram.items():
                # A replica that started again counts anew.
                added[model][bound] += max(0.0, answers - before.get(bound, 0.0))
    return added


def verdict(new: Histograms, old: Histograms) -> str:
    """Which model the new replicas answer too slowly for; empty where there is none, or nothing can be said yet.

    By the median, which a pause of the machine does not move.
    """
    for model, histogram in sorted(new.items()):
        former = old.get(model, {})
        answers = histogram.get(math.inf, 0.0)
        if min(answers, former.get(math.inf, 0.0)) < ENOUGH:
            continue
        least, most = 1000 * median_bounds(histogram)[0], 1000 * median_bounds(former)[1]
        if least > TIMES_MS * most + MORE_MS:
            return (
                f"of {answers:.0f} answers for {model} half took the new replicas {least:g} ms or longer,"
                f" the old ones at most {most:g} ms"
            )
    return ""


def median_bounds(histogram: Histogram) -> tuple[float, float]:
    """Between which bounds half of the answers lie below."""
    below = 0.0
    for bound, answers in sorted(histogram.items()):
        if answers >= histogram[math.inf] / 2:
            return below, bound
        below = bound
    return below, math.inf
