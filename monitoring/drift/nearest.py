"""A column or output beside the nearest of the profiles that it may be expected to be like; and its parts as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitoring.drift.categories import compare_levels, count_levels
from monitoring.drift.comparison import Comparison
from monitoring.drift.numbers import Floats, Subject, compare_numbers
from service.bundle.contract import Part
from service.bundle.reference import NumberProfile, Profile


def compare_nearest(
    subject: Subject,
    values: Floats,
    profiles: Sequence[tuple[Profile, dict[str, Any]]],
    former: Floats | None,
) -> Comparison:
    """Each profile has words for the page. What moves with two calendars follows one of them."""
    each = [_with(_compare(subject, values, profile, former), words) for profile, words in profiles]
    return min(each, key=lambda comparison: comparison.effect)


def _compare(
    subject: Subject, values: Floats, profile: Profile, former: Floats | None
) -> Comparison:
    """Numbers, or levels of a category."""
    if isinstance(profile, NumberProfile):
        return compare_numbers(subject, values, profile, former)
    levels = len(profile.counts)
    earlier = None if former is None else count_levels(former, levels)
    return compare_levels(subject, count_levels(values, levels), profile, earlier)


def join_parts(parts: Sequence[Part], comparisons: Sequence[Comparison]) -> Comparison:
    """One comparison of a column that is encoded in several parts: of the part that speaks most against it.

    As many tests are of one column, which is judged no sooner for it: each p counts as many times (Bonferroni).
    """
    if len(parts[0].column.time_parts) < 2:
        return comparisons[0]
    part, worst = max(zip(parts, comparisons, strict=True), key=lambda pair: _weight(pair[1]))
    tests = len(parts)
    return worst._replace(
        p=min(1.0, tests * worst.p),
        least_effect=lambda level: worst.least_effect(level / tests),
        change=f"{part.name}: {worst.change}",
        details={**worst.details, "part": part.name},
    )


def _weight(comparison: Comparison) -> tuple[bool, float, float]:
    """First what counts at all, then what is least by chance, then what moved furthest."""
    return comparison.effect >= comparison.floor, -comparison.p, comparison.effect


def _with(comparison: Comparison, words: dict[str, Any]) -> Comparison:
    return comparison._replace(details={**comparison.details, "reference": words})
