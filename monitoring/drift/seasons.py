"""What a window is compared with: the rows of the same season, where the reference has them, else all of its rows.

A window in several buckets of a calendar is compared with their mixture, each with the share that it has of the window.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.reference import CategoryProfile, NumberProfile, Profile, Reference, Season
from service.bundle.seasons import CALENDARS, Calendar, buckets
from training.metrics.effects import LEVELS

#: Of the window's rows, so many have to lie in buckets that the reference knows.
LEAST_KNOWN = 0.95


class Mixture(NamedTuple):
    """The buckets of one calendar, weighted as the window is spread over them."""

    calendar: Calendar
    weights: dict[str, float]
    seasons: dict[str, Season]

    def profile(self, column: str) -> Profile | None:
        """Of a column that moves with the calendar."""
        profiles = {
            bucket: season.columns[column]
            for bucket, season in self.seasons.items()
            if column in season.columns
        }
        if len(profiles) < len(self.weights) or any(
            profile.rows == profile.nulls for profile in profiles.values()
        ):
            return None
        parts = [(weight, profiles[bucket]) for bucket, weight in self.weights.items()]
        return parts[0][1] if len(parts) == 1 else _mix(parts)

    @property
    def details(self) -> dict[str, Any]:
        shares = {bucket: round(weight, 3) for bucket, weight in self.weights.items()}
        return {"of": "season", "calendar": self.calendar, "buckets": shares}


class Expectation(NamedTuple):
    """By column, what it is compared with. `why_not` says why no season is taken where there are seasons."""

    reference: Reference
    mixtures: tuple[Mixture, ...]
    why_not: str

    def profiles(self, column: str) -> list[tuple[Profile, dict[str, Any]]]:
        """A profile of each calendar that the column moves with, else that of all rows; with words for the page."""
        return self._seasonal(column) or [(self.reference.columns[column], self._of("all rows"))]

    def predictions(self, output: str) -> list[tuple[Profile, dict[str, Any]]]:
        """The same of an output: by a split in time, the held-out rows are of one season alone."""
        whole = self.reference.predictions.get(output)
        seasonal = self._seasonal(output)
        return seasonal or ([] if whole is None else [(whole, self._of("held-out rows"))])

    def _seasonal(self, name: str) -> list[tuple[Profile, dict[str, Any]]]:
        return [
            (profile, mixture.details)
            for mixture in self.mixtures
            if (profile := mixture.profile(name)) is not None
        ]

    def _of(self, rows: str) -> dict[str, Any]:
        return {"of": rows, **({"why": self.why_not} if self.why_not else {})}

    def moves_with_calendar(self, column: str) -> bool:
        return any(column in season.columns for season in self.reference.seasons)


def expect(reference: Reference, at: NDArray[np.float64]) -> Expectation:
    """`at` is when each row of the window was predicted."""
    if not reference.seasons:
        return Expectation(reference, (), "")
    mixtures, reasons = [], []
    for calendar in CALENDARS:
        seasons = {
            season.bucket: season for season in reference.seasons if season.calendar == calendar
        }
        if seasons:
            names, counts = np.unique(
                buckets(calendar, at, reference.time_zone), return_counts=True
            )
            weights = {
                str(name): count / len(at) for name, count in zip(names, counts, strict=True)
            }
            covered_weights = {
                bucket: weight for bucket, weight in weights.items() if bucket in seasons
            }
            share = sum(covered_weights.values())
            if share >= LEAST_KNOWN:
                scaled = {bucket: weight / share for bucket, weight in covered_weights.items()}
                mixtures.append(Mixture(calendar, scaled, seasons))
            else:
                strangers = ", ".join(sorted(set(weights) - set(covered_weights)))
                reasons.append(f"the reference has too few rows of {calendar} {strangers}")
    return Expectation(reference, tuple(mixtures), "; ".join(reasons))


def _mix(parts: list[tuple[float, Profile]]) -> Profile:
    weights = np.array([weight for weight, _ in parts])
    profiles = [profile for _, profile in parts]
    present_rows = np.array(
        [profile.rows - profile.nulls for profile in profiles], dtype=np.float64
    )
    # As precise as so many rows drawn at once: the variance of a weighted mean.
    rows = float(1 / (weights**2 / present_rows).sum())
    share = float(sum(weight * profile.nulls / profile.rows for weight, profile in parts))
    nulls = round(rows * share / max(1 - share, 1e-9))
    numbers = [profile for profile in profiles if isinstance(profile, NumberProfile)]
    if len(numbers) == len(profiles):
        return _mix_numbers(weights, numbers, round(rows), nulls)
    categories = [profile for profile in profiles if isinstance(profile, CategoryProfile)]
    counts = {
        name: rows
        * sum(
            weight * profile.counts.get(name, 0) / sum(profile.counts.values())
            for weight, profile in zip(weights, categories, strict=True)
        )
        for name in categories[0].counts
    }
    whole = {name: round(count) for name, count in counts.items()}
    return CategoryProfile(sum(whole.values()) + nulls, nulls, whole)


def _mix_numbers(
    weights: NDArray[np.float64], profiles: list[NumberProfile], rows: int, nulls: int
) -> NumberProfile:
    """Each quantile point stands for as much as its bucket weighs. Its noise is drawn from the mixture on demand."""
    points = np.concatenate([profile.quantiles for profile in profiles])
    masses = np.repeat(weights / len(LEVELS), len(LEVELS))
    order = np.argsort(points, kind="stable")
    reached = np.cumsum(masses[order]) - masses[order] / 2
    quantiles = np.interp(LEVELS, reached, points[order])
    mean = float(weights @ [profile.mean for profile in profiles])
    square = float(weights @ [profile.std**2 + profile.mean**2 for profile in profiles])
    std = max(square - mean**2, 0.0) ** 0.5
    return NumberProfile(rows + nulls, nulls, mean, std, tuple(map(float, quantiles)))
