"""A column or output beside the nearest of the profiles that it may be expected to be like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.categories import compare_levels, count_levels
from monitoring.drift.comparison import Comparison
from monitoring.drift.numbers import Subject, compare_numbers
from service.bundle.reference import NumberProfile, Profile

Values = NDArray[np.float64]


def compare_nearest(
    subject: Subject,
    values: Values,
    profiles: Sequence[tuple[Profile, dict[str, Any]]],
    former: Values | None,
) -> Comparison:
    """Each profile has words for the page. What moves with two calendars follows one of them."""
    each = [_with(_compare(subject, values, profile, former), words) for profile, words in profiles]
    return min(each, key=lambda comparison: comparison.effect)


def _compare(
    subject: Subject, values: Values, profile: Profile, former: Values | None
) -> Comparison:
    if isinstance(profile, NumberProfile):
        return compare_numbers(subject, values, profile, former)
    levels = len(profile.counts)
    earlier = None if former is None else count_levels(former, levels)
    return compare_levels(subject, count_levels(values, levels), profile, earlier)


def _with(comparison: Comparison, words: dict[str, Any]) -> Comparison:
    return comparison._replace(details={**comparison.details, "reference": words})
