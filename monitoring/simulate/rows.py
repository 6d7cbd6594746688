"""Rows as callers would send them: drawn from a reference's own, of this season, and shifted on demand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Column, Contract
from service.bundle.reference import CategoryProfile, NumberProfile, Profile, Reference
from service.bundle.seasons import buckets

#: Columns that shift, and by how many standard deviations.
SHIFTED_COLUMNS, SHIFT = 2, 1.0
ORIGIN = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MONDAY = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


class Rows:
    """Draws rows of one version. Where its reference has no whole rows, the contract's example is all there is."""

    def __init__(self, contract: Contract, reference: Reference, seed: int, now: dt.datetime):
        self._contract, self._random = contract, np.random.default_rng(seed)
        matrix = (
            reference.matrix
            if reference.sample
            else np.zeros((0, len(contract.features)), np.float32)
        )
        self._matrix = _seasonal(matrix.astype(np.float64), contract, reference, now)
        self._deviations = _deviations(contract, reference)
        self._places = [contract.positions(name)[0] for name in contract.names]
        self.shifted = _to_shift(contract, reference)

    def draw(self, count: int, shift: float = 0.0) -> list[dict[str, Any]]:
        """`shift` is in standard deviations of each column that shifts; nothing leaves what the contract allows."""
        if len(self._matrix) == 0:
            return [self._contract.example] * count
        rows = self._matrix[self._random.integers(0, len(self._matrix), count)].copy()
        for name in self.shifted if shift else ():
            place = self._contract.positions(name)[0]
            rows[:, place] += shift * self._deviations[name]
        return [self._as_sent(row) for row in rows]

    def _as_sent(self, row: NDArray[np.float64]) -> dict[str, Any]:
        return {
            column.name: _cell(column, cell)
            for column, cell in zip(self._contract.columns, row[self._places].tolist(), strict=True)
        }


def _cell(column: Column, cell: float) -> Any:
    """What `encode` makes this cell of. A column without a value, as sensitive ones are, has the contract's example."""
    if np.isnan(cell):
        return None if column.nullable and not column.sensitive else column.sample
    if column.type == "category":
        return column.categories[int(cell)]
    if column.type == "boolean":
        return bool(cell)
    if column.type == "timestamp":
        return _moment(column, cell).isoformat()
    low, high = column.bounds
    if column.type == "integer":
        return int(min(max(round(cell), low), high))
    return float(min(max(cell, low), high))


def _moment(column: Column, cell: float) -> dt.datetime:
    if column.encode == "days":
        return ORIGIN + dt.timedelta(days=cell)
    if column.encode == "day-of-year":
        return YEAR + dt.timedelta(days=cell - 1)
    if column.encode == "weekday":
        return MONDAY + dt.timedelta(days=cell)
    return YEAR + dt.timedelta(hours=cell)


def _to_shift(contract: Contract, reference: Reference) -> tuple[str, ...]:
    """The numbers that count most: what shifts there is also felt in the predictions."""
    numbers = [
        column.name
        for column in contract.columns
        if column.type in ("number", "integer") and not column.sensitive
    ]
    ranked = sorted(numbers, key=lambda name: -reference.importance.get(name, 0.0))
    return tuple(ranked[:SHIFTED_COLUMNS])


def _deviations(contract: Contract, reference: Reference) -> dict[str, float]:
    deviations = {}
    for column in contract.columns:
        profile = reference.columns.get(column.name)
        deviations[column.name] = profile.std if isinstance(profile, NumberProfile) else 0.0
    return deviations


def _seasonal(
    matrix: NDArray[np.float64], contract: Contract, reference: Reference, now: dt.datetime
) -> NDArray[np.float64]:
    """The rows with the season's values in columns that move with the calendar: each by its rank among the others."""
    moments = np.array([now.timestamp()])
    for season in reference.seasons:
        calendar: Any = season.calendar
        if season.bucket != str(buckets(calendar, moments, reference.time_zone)[0]):
            continue
        for name, profile in season.columns.items():
            place = contract.positions(name)[0]
            matrix[:, place] = _like(matrix[:, place], profile)
    return matrix


def _like(cells: NDArray[np.float64], profile: Profile) -> NDArray[np.float64]:
    present = ~np.isnan(cells)
    ranks = (np.argsort(np.argsort(cells[present], kind="stable")) + 0.5) / max(1, present.sum())
    if isinstance(profile, NumberProfile) and profile.quantiles:
        steps = np.linspace(0.0, 1.0, len(profile.quantiles))
        cells[present] = np.interp(ranks, steps, profile.quantiles)
    elif isinstance(profile, CategoryProfile):
        counts = np.array(list(profile.counts.values()), float)
        edges = np.cumsum(counts) / max(counts.sum(), 1.0)
        cells[present] = np.minimum(np.searchsorted(edges, ranks), len(counts) - 1)
    return cells
