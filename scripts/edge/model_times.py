"""How long replicas take to answer for each model, by their own histograms.

The edge counts a replica's mean over all models. One model that became slow is lost in it: who waits for an answer asks
less often, so that the other models' requests are most of the mean.

New replicas are judged by their champions. A challenger in shadow answers as often as the champion, and nobody waits
for it; one that gets a share of the callers is for the ramp to judge.
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
    r'^swarmline_latency_seconds_bucket\{(?=[^}]*\bmodel="([^"]*)")(?=[^}]*\barm="([^"]*)")[^}]*\ble="([^"]*)"[^}]*\}'
    r" (\S+)$",
    re.M,
)

#: A model's name and an arm's, champion or challenger.
Arm = tuple[str, str]
#: Answers of one arm that took no longer than a bound, by that bound in seconds.
Histogram = Mapping[float, float]
Histograms = Mapping[Arm, Histogram]


class Span(NamedTuple):
    """Of a replica, each by arm: when it was first seen, and now. A new replica's first is empty."""

    first: Histograms
    last: Histograms


def parse(text: str) -> Histograms:
    """Of a replica's metrics; the versions of an arm together."""
    histograms: dict[Arm, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for model, arm, bound, answers in _BUCKET.findall(text):
        histograms[model, arm][float(bound)] += float(answers)
    return histograms


def tally(spans: Mapping[str, Span], addresses: Collection[str]) -> Histograms:
    """What the replicas with these addresses answered since they were first seen."""
    added: dict[Arm, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for address in addresses & spans.keys():
        first, last = spans[address]
        for arm, histogram in last.items():
            before = first.get(arm, {})
            for bound, answers in histogram.items():
                # A replica that started again counts anew.
                added[arm][bound] += max(0.0, answers - before.get(bound, 0.0))
    return added


def verdict(new: Histograms, old: Histograms) -> str:
    """Which champion of the new replicas answers too slowly; empty where none does, or nothing can be said yet.

    By the median, which a pause of the machine does not move, beside that of the model's slower arm on the old
    replicas: what is champion now may have been the challenger there.
    """
    for (model, arm), histogram in sorted(new.items()):
        answers = histogram.get(math.inf, 0.0)
        former = [
            median_bounds(each)[1]
            for (name, _), each in old.items()
            if name == model and each.get(math.inf, 0.0) >= ENOUGH
        ]
        if arm != "champion" or answers < ENOUGH or not former:
            continue
        least, most = 1000 * median_bounds(histogram)[0], 1000 * max(former)
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
