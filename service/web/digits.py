"""float32 as JSON: the fewest digits that tell a number from every other, so that what is read was computed.

As plain doubles they would show noise (0.1 as 0.10000000149011612); rounded to a place, small ones would lose
their digits. msgspec knows doubles alone, so orjson writes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray


def numbers_as_json(numbers: NDArray[Any]) -> bytes:
    """A vector as a list, a matrix as a list of its rows. What is not finite is null: JSON has no name for it."""
    # orjson takes no column of a matrix as it lies there.
    return orjson.dumps(
        np.ascontiguousarray(numbers, np.float32), option=orjson.OPT_SERIALIZE_NUMPY
    )
