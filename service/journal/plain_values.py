"""Cells of a matrix as plain values: what is hashed of a sensitive column. A change here changes every hash."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

_FLOAT32 = struct.Struct("<f")
#: Any float32 is told by so many digits, and nearly all by the first.
DIGITS = (7, 8, 9)


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


def plain_value(kind: str, categories: Sequence[str], cell: float) -> Any:
    """The value of a cell: a category, true or false, a number as short as it can be; None for a null."""
    if math.isnan(cell):
        return None
    if kind == "category":
        if cell < 0:
            raise IndexError(f"{cell:g} is no category's number")
        return categories[int(cell)]
    if kind == "boolean":
        return bool(cell)
    number = shortest(cell)
    return int(number) if kind == "integer" else number
