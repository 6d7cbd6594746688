"""Each comparison by itself: errors and slow requests by an exact test, quality by a sequence or by pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitoring.experiment.statistics import confidence, differences, paired, rare_events
from monitoring.experiment.statistics.confidence import LEAST_EVENTS, LEAST_UNITS, Estimate
from monitoring.experiment.statistics.differences import Sums
from monitoring.experiment.statistics.paired import Pairs
from monitoring.experiment.statistics.rare_events import Counts
from monitoring.experiment.values import QUALITY_LEVEL, Comparison, Side, Verdict

#: What losses are called as metrics, and which way these are better: training/metrics/tasks.py has their words.
ACCURACY, ERROR = "accuracy", "mae"


class Quality(NamedTuple):
    """A comparison, and the tuning of its boundary: fixed at the first look that counts, kept for all later ones."""

    comparison: Comparison
    tuning: float | None


def compare_events(
    metric: str, totals: Counts, factors: NDArray[np.float64], level: float
) -> Comparison:
    """`factors` is the sum of what each stretch of time adds (rare_events.log_factors)."""
    champion = _served_side(totals.champion, totals.champion_events)
    challenger = _served_side(totals.challenger, totals.challenger_events)
    comparison = Comparison(metric=metric, level=level, champion=champion, challenger=challenger)
    if champion.value is None or challenger.value is None:
        silent = "champion" if champion.value is None else "challenger"
        return replace(comparison, reason=f"the {silent} has served nothing yet")
    evidence = rare_events.log_evidence(factors)
    difference = challenger.value - champion.value
    verdict: Verdict = "undecided"
    if evidence >= -math.log(level):
        verdict = "worse" if difference > 0 else "better"
    return replace(
        comparison,
        verdict=verdict,
        difference=difference,
        evidence=math.exp(min(evidence, 700.0)),
        reason="" if verdict != "undecided" else "no more of them than chance brings",
    )


def compare_quality(
    sums: Sums, is_class: bool, margin: float, tuning: float | None = None
) -> Quality:
    """Of a split. `sums` has by unit the rows with truth, and their losses."""
    (rows, losses), (rows_too, losses_too) = differences.totals_of(sums)
    units, units_too = differences.units_of(sums)
    sides = [
        Side(rows=round(rows), units=units, events=round(losses) if is_class else None),
        Side(rows=round(rows_too), units=units_too, events=round(losses_too) if is_class else None),
    ]
    difference = differences.difference_of(sums)
    reason = _too_few(sides, is_class)
    if difference is None or reason:
        reason = reason or "no stage has 20 units of either arm with truth"
        return Quality(_unknown(sides, is_class, margin, reason), tuning)
    tuning = tuning or confidence.tuning_of(difference.estimate.variance, QUALITY_LEVEL)
    allowed = _allowed(margin, is_class, difference.champion)
    comparison = _by_interval(
        difference.estimate, tuning, allowed, is_class, round(rows + rows_too)
    )
    means = (difference.champion, difference.challenger)
    return Quality(_with_sides(comparison, sides, means, is_class), tuning)


def compare_pairs(
    pairs: Pairs,
    losses: tuple[float, float],
    wins: tuple[float, float],
    is_class: bool,
    margin: float,
    tuning: float | None = None,
) -> Quality:
    """Of a shadow. `losses` are the arms' sums, `wins` how often each alone was right: champion, challenger."""
    rows, units = float(pairs.rows.sum()), float(pairs.units.sum())
    sides = [Side(rows=round(rows), units=round(units)) for _ in losses]
    gain = paired.difference_of(pairs)
    if gain is None or units < LEAST_UNITS:
        reason = f"not enough pairs with truth: {units:,.0f} of at least {LEAST_UNITS}"
        return Quality(_unknown(sides, is_class, margin, reason), tuning)
    # By how much the challenger loses more.
    estimate = gain._replace(difference=-gain.difference)
    means = (losses[0] / rows, losses[1] / rows)
    allowed = _allowed(margin, is_class, means[0])
    is_exact = is_class and rows == units
    if is_class and sum(wins) < LEAST_EVENTS:
        reason = f"too few rows in which one arm alone is right: {sum(wins):,.0f} of {LEAST_EVENTS}"
        comparison = replace(_unknown(sides, is_class, margin, reason), margin=allowed)
        return Quality(_with_sides(comparison, sides, means, is_class), tuning)
    tuning = tuning or confidence.tuning_of(estimate.variance, QUALITY_LEVEL)
    comparison = _by_interval(estimate, tuning, allowed, is_class, round(rows))
    if is_exact:
        comparison = _by_wins(comparison, wins)
    return Quality(_with_sides(comparison, sides, means, is_class), tuning)


def _by_wins(comparison: Comparison, wins: tuple[float, float]) -> Comparison:
    """The exact test decides where each unit is one row; that both are as good is the interval's to say."""
    champion, challenger = wins
    evidence = paired.log_evidence(challenger, champion)
    verdict: Verdict = "as good" if comparison.verdict == "as good" else "undecided"
    if evidence >= -math.log(QUALITY_LEVEL) and verdict == "undecided":
        verdict = "better" if challenger > champion else "worse"
    return replace(
        comparison,
        verdict=verdict,
        evidence=math.exp(min(evidence, 700.0)),
        reason=f"the challenger alone was right in {challenger:,.0f} rows, the champion alone in {champion:,.0f}",
    )


def _by_interval(
    estimate: Estimate, tuning: float, margin: float, is_class: bool, rows: int
) -> Comparison:
    """Of losses: below 0 the challenger is better. Shown as the metric has it."""
    low, high = confidence.interval_of(estimate, tuning, QUALITY_LEVEL)
    verdict: Verdict = "undecided"
    if high < 0:
        verdict = "better"
    elif -margin <= low and high <= margin:
        verdict = "as good"
    elif low > 0:
        verdict = "worse"
    sign = -1.0 if is_class else 1.0
    ends = sorted((sign * low, sign * high))
    return Comparison(
        metric=ACCURACY if is_class else ERROR,
        level=QUALITY_LEVEL,
        verdict=verdict,
        difference=sign * estimate.difference,
        low=ends[0],
        high=ends[1],
        greater_is_better=is_class,
        margin=margin,
        more_rows=_more_rows(estimate, tuning, margin, rows) if verdict == "undecided" else None,
    )


def _more_rows(estimate: Estimate, tuning: float, margin: float, rows: int) -> int | None:
    """Until the nearer of two verdicts: an interval without 0 in it, or one within the margin."""
    size = abs(estimate.difference)
    width = max(size, margin - size)
    growth = confidence.growth_needed(estimate, tuning, QUALITY_LEVEL, width)
    return math.ceil((growth - 1) * rows) if math.isfinite(growth) else None


def _with_sides(
    comparison: Comparison, sides: Sequence[Side], losses: tuple[float, float], is_class: bool
) -> Comparison:
    champion, challenger = (
        replace(side, value=1 - loss if is_class else loss)
        for loss, side in zip(losses, sides, strict=True)
    )
    return replace(comparison, champion=champion, challenger=challenger)


def _too_few(sides: Sequence[Side], is_class: bool) -> str:
    for name, side in zip(("champion", "challenger"), sides, strict=True):
        if not side.rows:
            return f"no truth is in for the {name}"
        if side.units < LEAST_UNITS:
            return (
                f"not enough units with truth of the {name}: {side.units} of at least {LEAST_UNITS}"
            )
        if is_class and min(side.events or 0, side.rows - (side.events or 0)) < LEAST_EVENTS:
            return f"fewer than {LEAST_EVENTS} rows of the {name} are wrong, or fewer are right"
    return ""


def _unknown(sides: Sequence[Side], is_class: bool, margin: float, reason: str) -> Comparison:
    return Comparison(
        metric=ACCURACY if is_class else ERROR,
        level=QUALITY_LEVEL,
        reason=reason,
        champion=sides[0],
        challenger=sides[1],
        greater_is_better=is_class,
        margin=margin if is_class else None,
    )


def _allowed(margin: float, is_class: bool, champion: float) -> float:
    """Losses that differ by less count as equal: of numbers the margin is a share of the champion's."""
    return margin if is_class else margin * champion


def _served_side(served: float, events: float) -> Side:
    return Side(
        value=events / served if served else None,
        rows=round(served),
        units=round(served),
        events=round(events),
    )
