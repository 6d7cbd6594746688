"""A column or output beside the nearest of the profiles that it may be expected to be like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitoring.drift.comparison import Comparison
from monitoring.drift.numbers import Subject
from monitoring.drift.values import Values, compare_values
from service.bundle.reference import Profile


def compare_nearest(
    subject: Subject,
    values: Values,
    profiles: Sequence[tuple[Profile, dict[str, Any]]],
    former: Values | None,
) -> Comparison:
    """Each profile has words for the page. What moves with two calendars follows one of them."""
    each = [
        _with(compare_values(subject, values, profile, former), words)
        for profile, words in profiles
    ]
    return min(each, key=lambda comparison: comparison.effect)


def _with(comparison: Comparison, words: dict[str, Any]) -> Comparison:
    return comparison._replace(details={**comparison.details, "reference": words})
