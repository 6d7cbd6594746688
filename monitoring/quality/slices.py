"""Slices of rows by a column of the contract: its categories, or the quarters of the reference's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.reference import CategoryProfile, NumberProfile, Profile, Reference


class Slice(NamedTuple):
    """`name` is such as "crop=basil" or "humidity=40 to 55"; `expected` is its share of the reference's rows."""

    name: str
    expected: float
    rows: NDArray[np.intp]


def slices_of(
    matrix: Matrix, contract: Contract, reference: Reference | None, columns: tuple[str, ...]
) -> Iterator[Slice]:
    """Of no sensitive column, whose values the monitor does not have."""
    for column in contract.columns:
        part = contract.parts_of(column.name)[0]
        profile = reference.columns.get(part.name) if reference else None
        if column.name in columns and not column.sensitive and profile is not None:
            yield from _parts(column.name, part.values(matrix), profile)


def _parts(column: str, values: NDArray[Any], profile: Profile) -> Iterator[Slice]:
    present = max(1, profile.rows - profile.nulls)
    if isinstance(profile, CategoryProfile):
        for code, (level, count) in enumerate(profile.counts.items()):
            yield Slice(f"{column}={level}", count / present, np.flatnonzero(values == code))
    elif isinstance(profile, NumberProfile) and profile.quantiles:
        yield from _quarters(column, values, profile)


def _quarters(column: str, values: NDArray[Any], profile: NumberProfile) -> Iterator[Slice]:
    """Fewer than four where a number is that of many rows; what lies beyond the reference is in the outer ones."""
    quantiles = np.array(profile.quantiles)
    edges = np.unique(np.quantile(quantiles, [0, 0.25, 0.5, 0.75, 1]))
    inner = edges[1:-1]
    quarter = np.where(np.isnan(values), -1, np.searchsorted(inner, values, side="right"))
    expected = np.bincount(
        np.searchsorted(inner, quantiles, side="right"), minlength=len(edges) - 1
    )
    for number in range(len(inner) + 1):
        low, high = edges[number], edges[min(number + 1, len(edges) - 1)]
        name = f"{column}={low:g} to {high:g}"
        share = float(expected[number] / len(quantiles))
        yield Slice(name, share, np.flatnonzero(quarter == number))
