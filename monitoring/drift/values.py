"""Values of a column or an output beside their profile: numbers, or levels of a category."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.categories import compare_levels, count_levels
from monitoring.drift.comparison import Comparison
from monitoring.drift.numbers import Subject, compare_numbers
from service.bundle.reference import NumberProfile, Profile

Values = NDArray[np.float64]


def compare_values(
    subject: Subject, values: Values, profile: Profile, former: Values | None
) -> Comparison:
    if isinstance(profile, NumberProfile):
        return compare_numbers(subject, values, profile, former)
    levels = len(profile.counts)
    earlier = None if former is None else count_levels(former, levels)
    return compare_levels(subject, count_levels(values, levels), profile, earlier)
