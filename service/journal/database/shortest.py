"""Encoded cells back as plain values."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT32 = struct.Struct("<f")
Numbers = NDArray[np.float64]
#: Any float32 is told by so many digits, and nearly all by the first.
DIGITS = (7, 8, 9)
#: Powers of ten that a double holds exactly, so that a product or quotient with them is rounded once.
_POWERS = np.array([float(f"1e{power}") for power in range(23)])


def shortest(number: float) -> float:
    """The number as people wrote it: the fewest digits that still mean the same float32."""
    if not math.isfinite(number):
        return number
    for digits in DIGITS[:-1]:
        candidate = float(f"{number:.{digits}g}")
        try:
            if _FLOAT32.unpack(_FLOAT32.pack(candidate))[0] == number:
                return candidate
        except OverflowError:
            pass
    return float(f"{number:.{DIGITS[-1]}g}")


def shortest_all(numbers: NDArray[np.float32]) -> Numbers:
    """`shortest` of each, at a hundredth of the cost."""
    wide = np.asarray(numbers, np.float64)
    flat = wide.ravel()
    found = flat.copy()
    left = np.flatnonzero(np.isfinite(flat) & (flat != 0.0))
    for digits in DIGITS:
        if not left.size:
            break
        told = _rounded(flat[left], digits)
        found[left] = told
        # Beyond what a float32 holds is not what was meant either.
        with np.errstate(over="ignore"):
            left = left[told.astype(np.float32) != flat[left]]
    return found.reshape(wide.shape)


def _rounded(numbers: Numbers, digits: int) -> Numbers:
    """To so many significant digits: the double that is nearest to the decimal number."""
    places = digits - 1 - np.floor(np.log10(np.abs(numbers))).astype(np.int64)
    far = np.abs(places) >= len(_POWERS)
    power = _POWERS[np.where(far, 0, np.abs(places))]
    up = places > 0
    whole = np.rint(np.where(up, numbers * power, numbers / power))
    found: Numbers = np.where(up, whole / power, whole * power)
    # Tiny and huge numbers: seldom enough to go through text.
    for place in np.flatnonzero(far).tolist():
        found[place] = float(f"{numbers[place]:.{digits}g}")
    return found


def plain(kind: str, categories: Sequence[str], cell: float) -> Any:
    """The value that a cell was encoded from, with numbers as short as they can be."""
    return None if math.isnan(cell) else _as_kind(kind, categories, shortest(cell))


def plain_cells(kind: str, categories: Sequence[str], cells: Numbers) -> list[Any]:
    """The same of a column of numbers that are as short as they can be. IndexError, OverflowError."""
    values: list[Any] = cells.tolist()
    if kind in ("number", "timestamp") and not np.isnan(cells).any():
        return values
    return [None if math.isnan(cell) else _as_kind(kind, categories, cell) for cell in values]


def _as_kind(kind: str, categories: Sequence[str], cell: float) -> Any:
    if kind == "category":
        if cell < 0:
            raise IndexError(f"{cell} is no category")
        return categories[int(cell)]
    if kind == "boolean":
        return bool(cell)
    return int(cell) if kind == "integer" else cell
