"""Predictions as JSON.

Numbers are float32 with the fewest digits that tell each from every other, so that what is read was computed. As plain
doubles they would show noise (0.1 as 0.10000000149011612); rounded to a place, small ones would lose their digits.
msgspec knows doubles alone, so orjson writes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.predict.arm import Prediction
from service.web.reply import encode_json


def encode_numbers(numbers: NDArray[Any]) -> bytes:
    """A vector as a list, a matrix as a list of its rows. What is not finite is null: JSON has no name for it."""
    # orjson takes no column of a matrix as it lies there.
    return orjson.dumps(
        np.ascontiguousarray(numbers, np.float32), option=orjson.OPT_SERIALIZE_NUMPY
    )


def encode_predictions(prediction: Prediction) -> bytes:
    """A list of names of classes, numbers, or lists of numbers."""
    arm, answer = prediction
    if arm.classes:
        return encode_json(arm.labels(answer))
    return encode_numbers(answer.values[:, 0] if arm.has_one_output else answer.values)
