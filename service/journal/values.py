"""Encoded cells back as plain values. No NumPy: the shipper does without it and stays small."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

_FLOAT32 = struct.Struct("<f")


def shortest(number: float) -> float:
    """The number as people wrote it: the fewest digits that still mean the same float32."""
    if not math.isfinite(number):
        return number
    for digits in (7, 8):
        candidate = float(f"{number:.{digits}g}")
        try:
            if _FLOAT32.unpack(_FLOAT32.pack(candidate))[0] == number:
                return candidate
        except OverflowError:
            pass
    return float(f"{number:.9g}")


def plain(kind: str, categories: Sequence[str], cell: float) -> Any:
    """What `Encoder.decode_rows` gives, with numbers as short as they can be."""
    if math.isnan(cell):
        return None
    if kind == "category":
        return categories[int(cell)]
    if kind == "boolean":
        return bool(cell)
    return int(cell) if kind == "integer" else shortest(cell)


def finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
