"""The profile of a column or of an output: its distribution in short, and what chance alone makes of 500 rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Column
from service.bundle.reference import CategoryProfile, Histogram, NumberProfile, Profile
from training.metrics.effects import category_noise, number_noise, quantiles_of

BINS = 20
#: The outermost rows stand in the outer bins: one of them alone would leave all others in a single bin.
PICTURED = (0.001, 0.999)


def profile_column(column: Column, values: NDArray[Any], seed: int) -> Profile:
    """Of values as the contract encodes them."""
    if column.levels:
        return profile_codes(values, column.levels, seed)
    return profile_numbers(values, seed)


def profile_codes(codes: NDArray[Any], names: Sequence[str], seed: int) -> CategoryProfile:
    present = codes[~np.isnan(codes)].astype(np.intp)
    counts = np.bincount(present, minlength=len(names))
    return CategoryProfile(
        rows=len(codes),
        nulls=len(codes) - len(present),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        noise=category_noise(counts, seed) if len(present) else None,
    )


def profile_numbers(values: NDArray[Any], seed: int) -> NumberProfile:
    present = values[~np.isnan(values)].astype(np.float64)
    nulls = len(values) - len(present)
    if len(present) == 0:
        return NumberProfile(rows=len(values), nulls=nulls)
    return NumberProfile(
        rows=len(values),
        nulls=nulls,
        mean=float(present.mean()),
        std=float(present.std()),
        quantiles=shortest(quantiles_of(present)),
        noise=number_noise(present, seed),
        histogram=histogram(present, *np.quantile(present, PICTURED).tolist()),
    )


def histogram(values: NDArray[Any], low: float, high: float) -> Histogram:
    """From `low` to `high`; what lies beyond is in the outer bins."""
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS, range=(low, high))
    return Histogram(shortest(edges), tuple(counts.tolist()))


def shortest(values: NDArray[Any]) -> tuple[float, ...]:
    """With the fewest digits that are the same float32: the values come from a matrix that holds no more."""
    return tuple(float(str(value)) for value in values.astype(np.float32))
