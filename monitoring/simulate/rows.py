"""Rows as callers would send them: drawn from a reference's own, of this season, and shifted on demand."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Part
from service.bundle.reference import CategoryProfile, NumberProfile, Profile, Reference
from service.bundle.rows.times import time_part
from service.bundle.seasons import buckets

#: So many columns shift.
SHIFTED_COLUMNS = 2
ORIGIN = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 4 * 365 + 1


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
        self._parts = [contract.parts_of(name) for name in contract.names]
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
        return {parts[0].column.name: _value(parts, row) for parts in self._parts}


def _value(parts: tuple[Part, ...], row: NDArray[np.float64]) -> Any:
    """What a caller sent. A column without a value, as sensitive ones are, has the contract's example."""
    column = parts[0].column
    cells = {part.time: float(part.values(row[np.newaxis])[0]) for part in parts}
    cell = next(iter(cells.values()))
    if np.isnan(cell):
        return None if column.nullable and not column.sensitive else column.sample
    if column.type == "boolean":
        return bool(cell)
    if column.type == "category":
        # The others have no names that are known: the level's own is one of them.
        return column.levels[int(cell)]
    if column.type == "timestamp":
        return _moment(cells).isoformat()
    low, high = column.bounds
    if column.type == "integer":
        return int(min(max(round(cell), low), high))
    return float(min(max(cell, low), high))


def _moment(cells: dict[str, float]) -> dt.datetime:
    """A moment with these parts; of a year of ours where they do not say which day it was."""
    if "days" in cells:
        return ORIGIN + dt.timedelta(days=cells["days"])
    wanted = {name: cell for name, cell in cells.items() if name != "hour"}
    # A float32 of a day is some way off, and the best fit is near enough.
    misses = sum(np.abs(_parts_of_days(name) - cell) for name, cell in wanted.items())
    day = int(np.argmin(misses)) if wanted else 0
    return YEAR + dt.timedelta(days=day, hours=cells.get("hour", 0.0))


@functools.cache
def _parts_of_days(name: str) -> NDArray[np.float64]:
    """A part of each day of four years, of which one is a leap year."""
    days = np.arange(DAYS) + np.datetime64(YEAR.date(), "D")
    return time_part(days.astype("M8[us]"), name)


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
            places = {part.name: part.positions for part in contract.parts}.get(name, ())
            # Of an output there is no cell, and of a cyclic part no number that could be ranked.
            if len(places) == 1:
                matrix[:, places[0]] = _like(matrix[:, places[0]], profile)
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
