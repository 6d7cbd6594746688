"""float32 as JSON: as many of 7 to 9 digits as tell a number from every other, so that what is read was computed.

As plain doubles they would show noise (0.1 as 0.10000000149011612); rounded to a place, small ones would lose
their digits.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: 9 significant digits tell each float32 from every other; trailing zeros are not written.
_FORMS = ("%.7g", "%.8g", "%.9g")
_FLOAT32 = struct.Struct("f")
#: Up to so many numbers, NumPy's calls take longer than Python's.
_FEW = 16
#: Powers of ten that a double holds exactly, and the decimal places of numbers that need no greater ones.
_POWERS = 10.0 ** np.arange(23)
_NEAR = 14


def shortest(numbers: NDArray[Any]) -> list[Any]:
    """A vector's numbers, or a matrix' rows of them."""
    if numbers.size > _FEW:
        many: list[Any] = _many(numbers.astype(np.float32, copy=False)).tolist()
        return many
    if numbers.ndim == 1:
        return [_short(number) for number in numbers.tolist()]
    return [[_short(number) for number in row] for row in numbers.tolist()]


def _short(number: float) -> float:
    for form in _FORMS:
        short = float(form % number)
        if _FLOAT32.unpack(_FLOAT32.pack(short))[0] == number:
            return short
    return number


def _many(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = numbers.astype(np.float64)
    size = np.abs(exact)
    near = (size >= 10.0**-_NEAR) & (size < 10.0**_NEAR)
    places = np.floor(np.log10(size, where=near, out=np.zeros_like(size))).astype(np.int64)
    short = exact.copy()
    for digits in (9, 8, 7):
        shift = digits - 1 - places
        up, down = _POWERS[np.maximum(shift, 0)], _POWERS[np.maximum(-shift, 0)]
        # Whole numbers and exact powers: the quotient is the double nearest to those digits.
        rounded = np.rint(exact * up / down) * down / up
        short = np.where(near & (rounded.astype(np.float32) == numbers), rounded, short)
    far = ~near & (size != 0)
    short[far] = [_short(number) for number in exact[far].tolist()]
    return short
