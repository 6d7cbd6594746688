"""What is possible at most: Granian, msgspec and ONNX Runtime, joined by hand for one model.

No keys, no journal, no metrics, no log, no checks but types: what those cost is the distance to it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime

from service.bundle.contract import Contract

FOLDER = Path(os.environ["BUNDLE"])
HEADERS = [("content-type", "application/json")]
contract = msgspec.json.decode((FOLDER / "contract.json").read_bytes(), type=Contract)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", options)
(entrance,) = session.get_inputs()
Row: Any = msgspec.defstruct(
    "Row",
    [(column.name, float | None if column.nullable else float) for column in contract.columns],
)
Body: Any = msgspec.defstruct("Body", [("rows", list[Row])])
decode = msgspec.json.Decoder(Body).decode
encode = msgspec.json.Encoder().encode


async def app(scope: Any, protocol: Any) -> None:
    """In Granian's own interface, which costs less than WSGI and ASGI."""
    if scope.method != "POST":
        protocol.response_empty(200, [])
        return
    rows = decode(await protocol()).rows
    matrix = np.array([msgspec.structs.astuple(row) for row in rows], np.float32)
    values, *probabilities = session.run(None, {entrance.name: matrix})
    answer = {"predictions": values.tolist()}
    if probabilities:
        answer["probabilities"] = probabilities[0].tolist()
    protocol.response_bytes(200, HEADERS, encode(answer))
