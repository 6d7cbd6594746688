"""The numbers of one column beside their reference: effect, chance, and what the page draws."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.chance import REFERENCE_WEIGHT, Null, weigh
from monitoring.drift.comparison import Comparison, percent, rounded, short
from monitoring.findings.values import Kind
from service.bundle.reference import NumberProfile
from training.metrics.effects import number_effect, number_noise

Floats = NDArray[np.float64]

BINS = 20
#: Bins reach over these quantiles of the reference, so that one far value does not press all others into one bin.
REACH = slice(5, 996, 990)
#: Up to so many whole numbers have a bin each.
MOST_WHOLE = 40
#: At these levels the page and the alarm see whither a column moved.
DIRECTION_LEVELS = np.linspace(0.05, 0.95, 19)


class Subject(NamedTuple):
    """What is compared: its kind, its name and its floor."""

    kind: Kind
    column: str
    floor: float


def compare_numbers(
    subject: Subject, values: Floats, profile: NumberProfile, former: Floats | None = None
) -> Comparison:
    """`values` and `former` hold no nulls; the profile holds values."""
    # A constant of 0.1 differs from itself where one side was rounded to float32 and the other was not.
    values, quantiles = _single(values), _single(profile.quantiles)
    effect = number_effect(values, quantiles, profile.std)
    details = {
        "histogram": _histogram(values, quantiles, former),
        "mean": {"reference": profile.mean, "window": float(values.mean())},
        "deviation": {"reference": profile.std, "window": float(values.std())},
        "direction": _direction(values, quantiles, profile.std),
        "reference_rows": profile.rows - profile.nulls,
    }
    if former is not None and len(former):
        details["former_effect"] = number_effect(former, quantiles, profile.std)
    if quantiles[0] == quantiles[-1]:
        return _beside_a_constant(subject, values, profile, effect, details)
    window_rows, reference_rows = len(values), profile.rows - profile.nulls
    null = _null(profile, quantiles)
    both, reference = 1 / window_rows + 1 / reference_rows, 1 / reference_rows

    def least_effect(level: float) -> float:
        alone = null.quantile(level / REFERENCE_WEIGHT, reference)
        return max(null.quantile(level, both), alone)

    p = weigh(null.tail(effect, both), null.tail(effect, reference))
    means = f"mean {short(profile.mean)} before, now {short(float(values.mean()))}"
    change = f"moved by {effect:.2f} standard deviations: {means}"
    return Comparison(
        *subject[:2], len(values), effect, p, subject.floor, least_effect, change, details
    )


def _single(values: Any) -> Floats:
    return np.asarray(np.asarray(values, dtype=np.float32), dtype=np.float64)


def _null(profile: NumberProfile, quantiles: Floats) -> Null:
    noise = profile.noise or number_noise(quantiles, seed=0)
    return Null(noise.rows, noise.mean, noise.std)


def _beside_a_constant(
    subject: Subject,
    values: Floats,
    profile: NumberProfile,
    effect: float,
    details: dict[str, Any],
) -> Comparison:
    """The effect is the share of values that differ. Without drift they would be spread over window and reference."""
    count, reference_rows = len(values), profile.rows - profile.nulls
    differing = round(effect * count)
    p = weigh((count / (count + reference_rows)) ** differing, (1 - effect) ** reference_rows)

    def least_effect(level: float) -> float:
        """So many of the window's values that neither chance explains them."""
        least = np.log(level) / np.log(count / (count + reference_rows)) / count
        return float(min(1.0, max(least, 1 - (level / REFERENCE_WEIGHT) ** (1 / reference_rows))))

    value = short(profile.quantiles[0])
    change = f"was {value} in every row of the reference; {percent(effect)} differ"
    details = {**details, "constant": float(profile.quantiles[0])}
    return Comparison(*subject[:2], count, effect, p, subject.floor, least_effect, change, details)


def _direction(values: Floats, quantiles: Floats, std: float) -> list[float]:
    """By how many deviations the window lies above the reference at each of `DIRECTION_LEVELS`."""
    levels = np.linspace(0.0, 1.0, len(quantiles))
    before = np.interp(DIRECTION_LEVELS, levels, quantiles)
    return rounded((np.quantile(values, DIRECTION_LEVELS) - before) / (std or 1.0))


def _histogram(values: Floats, quantiles: Floats, former: Floats | None) -> dict[str, list[float]]:
    """Shares in the same bins; what lies beyond them is in the outer ones."""
    edges = bin_edges(quantiles)
    histogram = {
        "edges": [float(edge) for edge in edges],
        "reference": _shares(quantiles, edges),
        "window": _shares(values, edges),
    }
    if former is not None and len(former):
        histogram["former"] = _shares(former, edges)
    return histogram


def bin_edges(quantiles: Floats) -> Floats:
    low, high = (
        quantiles[REACH] if quantiles[REACH][0] < quantiles[REACH][1] else quantiles[[0, -1]]
    )
    whole = bool((quantiles == np.round(quantiles)).all())
    if whole and high - low < MOST_WHOLE:
        return np.arange(low - 0.5, high + 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _shares(values: Floats, edges: Floats) -> list[float]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return rounded(counts / len(values))
