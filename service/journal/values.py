"""Encoded cells back as plain values. No NumPy: the shipper does without it and stays small."""

from __future__ import annotations

import functools
import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

_FLOAT32 = struct.Struct("<f")
#: How many numbers are told at once: a long request shall not make a long format.
AT_ONCE = 1024
_NUMBERS = msgspec.json.Decoder(list[float])


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


def shortest_all(numbers: list[float]) -> list[float]:
    """`shortest` of each."""
    found: list[float] = []
    for start in range(0, len(numbers), AT_ONCE):
        found += _shortest(numbers[start : start + AT_ONCE])
    return found


def _shortest(numbers: list[float]) -> list[float]:
    """All at once to seven digits, which nearly always say it; then one by one what they do not."""
    try:
        found: list[float] = _NUMBERS.decode(_seven_digits(len(numbers)) % tuple(numbers))
        again = array("f", found)
    except (msgspec.DecodeError, OverflowError):
        # A NaN or an infinity, or one that seven digits round to more than a float32 holds.
        return [shortest(number) for number in numbers]
    return [
        short if same == number else shortest(number)
        for number, short, same in zip(numbers, found, again, strict=True)
    ]


@functools.lru_cache(maxsize=64)
def _seven_digits(count: int) -> str:
    return "[" + ",".join(["%.7g"] * count) + "]"


def plain(kind: str, categories: Sequence[str], cell: float) -> Any:
    """What `Encoder.decode_rows` gives, with numbers as short as they can be."""
    return as_kind(kind, categories, shortest(cell))


def as_kind(kind: str, categories: Sequence[str], cell: float) -> Any:
    """The same of a number that is as short as it can be."""
    if math.isnan(cell):
        return None
    if kind == "category":
        return categories[int(cell)]
    if kind == "boolean":
        return bool(cell)
    return int(cell) if kind == "integer" else cell


def finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
