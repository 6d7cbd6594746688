"""What has to hold for quality to be compared: the arms' callers are alike, and truth comes for both alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from monitoring.experiment.evidence.collected import Assigned
from monitoring.experiment.statistics import confidence, differences, sample_ratio
from monitoring.experiment.statistics.confidence import LEAST_UNITS
from monitoring.experiment.statistics.differences import Sums
from monitoring.experiment.values import CHECK_LEVEL, Check

#: By how much the shares of rows with truth may differ: less than that moves no quality by a point.
LEAST_DIFFERENCE = 0.01


class Arrival(NamedTuple):
    """A check, and the tuning of its boundary, which is kept for all later looks."""

    check: Check
    tuning: float | None


def check_sample_ratio(assigned: Sequence[Assigned]) -> Check:
    """Over the stages of which the share is known; each unit counts in the first in which it came."""
    evidence, expected, challenger, units = 0.0, 0.0, 0.0, 0.0
    for stage in assigned:
        if stage.share and stage.share < 1:
            evidence += sample_ratio.log_evidence(stage.challenger, stage.champion, stage.share)
            whole = stage.challenger + stage.champion
            expected += stage.share * whole
            challenger += stage.challenger
            units += whole
    if not units:
        return Check(name="sample-ratio", reason="nobody said which share the challenger has")
    wanted, observed = expected / units, challenger / units
    ok = evidence < -math.log(CHECK_LEVEL)
    reason = "" if ok else (
        f"the challenger got {observed:.2%} of the subjects and requests, its share is {wanted:.2%}:"
        " the arms' callers are not alike, or answers are missing"
    )  # fmt: skip
    return Check(name="sample-ratio", ok=ok, reason=reason, expected=wanted, observed=observed)


def check_truth_arrival(arrivals: Sums, tuning: float | None = None) -> Arrival:
    """Of a split; a shadow has one truth for both arms. The share of rows with truth is compared as quality is."""
    units = min(differences.units_of(arrivals))
    difference = differences.difference_of(arrivals)
    if difference is None or units < LEAST_UNITS:
        return Arrival(Check(name="truth-arrival", reason="not enough units yet"), tuning)
    if not difference.champion and not difference.challenger:
        return Arrival(Check(name="truth-arrival", reason="no truth is in"), tuning)
    estimate = difference.estimate
    tuning = tuning or confidence.tuning_of(estimate.variance, CHECK_LEVEL)
    low, high = confidence.interval_of(estimate, tuning, CHECK_LEVEL)
    apart = abs(estimate.difference) >= LEAST_DIFFERENCE and (low > 0 or high < 0)
    reason = "" if not apart else (
        f"truth is in for {difference.challenger:.1%} of the challenger's rows and {difference.champion:.1%}"
        " of the champion's: what is known of one is not like what is known of the other"
    )  # fmt: skip
    check = Check(
        name="truth-arrival",
        ok=not apart,
        reason=reason,
        expected=difference.champion,
        observed=difference.challenger,
    )
    return Arrival(check, tuning)
