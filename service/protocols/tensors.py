"""Tensors of the Open Inference Protocol, as JSON or bytes: to a matrix, and back."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Feature, FieldError, Invalid, Matrix, Reason
from service.bundle.rows.encoder import Encoder
from service.web.problems import Unprocessable

NUMBERS = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
#: What a tensor's shape may be.
SHAPES = "[n] or [n, 1] for a column, or one matrix of [n, columns]"
#: No body has as many values.
LONGEST = 2**53
_LENGTH = struct.Struct("<I")


class InputTensor(msgspec.Struct, frozen=True):
    """One input of a request, its values not yet read."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class Tail:
    """The bytes behind a request's JSON, of which each tensor takes its own in turn."""

    def __init__(self, data: bytes):
        self._data, self._place = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._place

    def take(self, size: int) -> bytes:
        """Copies no more than that: the rest, copied for each of many tensors, would take minutes."""
        start = self._place
        self._place += size
        return self._data[start : self._place]


def read_tensor(tensor: InputTensor, tail: Tail) -> Any:
    """A tensor's values in a flat sequence; bytes are taken from the tail."""
    if tensor.datatype != "BYTES" and tensor.datatype not in NUMBERS:
        raise Unprocessable.field(
            tensor.name, tensor.datatype, "BYTES or one of " + ", ".join(NUMBERS)
        )
    _check_shape(tensor)
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return _from_json(tensor)
    if tensor.data is not None or not isinstance(size, int) or not 0 <= size <= tail.left:
        raise Unprocessable.field(
            tensor.name, size, f"a binary_data_size up to {tail.left}, and no data"
        )
    return _from_bytes(tensor, tail.take(size))


def _check_shape(tensor: InputTensor) -> None:
    """Before anything is multiplied: a product of a million lengths takes minutes."""
    if len(tensor.shape) not in (1, 2):
        lengths = f"a shape of {len(tensor.shape)} lengths"
        raise Unprocessable.field(tensor.name, lengths, SHAPES)
    for length in tensor.shape:
        if not 0 <= length < LONGEST:
            raise Unprocessable.field(tensor.name, length, f"lengths from 0, below {LONGEST}")


def _check_count(tensor: InputTensor, count: int) -> None:
    if count != math.prod(tensor.shape):
        allowed = f"{math.prod(tensor.shape)} values, as the shape says"
        raise Unprocessable.field(tensor.name, f"{count} values", allowed)


def _from_json(tensor: InputTensor) -> list[Any]:
    values = tensor.data
    if values is None:
        raise Unprocessable.field(tensor.name, None, "data, or bytes with a binary_data_size")
    while values and all(isinstance(value, list) for value in values):
        values = [cell for row in values for cell in row]
    _check_count(tensor, len(values))
    _check_types(tensor, values)
    return values


def _check_types(tensor: InputTensor, values: list[Any]) -> None:
    """Each value is of the tensor's datatype, or null. NumPy would make numbers of "11.5" and true."""
    position = _first_wrong(tensor.datatype, values)
    if position is not None:
        row = position // math.prod(tensor.shape[1:])
        raise Unprocessable.field(
            tensor.name, values[position], f"values of {tensor.datatype}", row
        )


def _first_wrong(datatype: str, values: list[Any]) -> int | None:
    types = _types_of(datatype)
    if not types.issuperset(map(type, values)):
        return next(position for position, value in enumerate(values) if type(value) not in types)
    if float in types or int not in types:
        return None
    limits: Any = np.iinfo(NUMBERS[datatype])
    low, high = int(limits.min), int(limits.max)
    outside = (
        position
        for position, value in enumerate(values)
        if value is not None and not low <= value <= high
    )
    return next(outside, None)


def _types_of(datatype: str) -> set[type]:
    """How JSON says a value of this datatype."""
    if datatype == "BYTES":
        return {str, type(None)}
    if datatype == "BOOL":
        return {bool, type(None)}
    return {int, type(None)} if "INT" in datatype else {int, float, type(None)}


def _from_bytes(tensor: InputTensor, chunk: bytes) -> Any:
    if tensor.datatype == "BYTES":
        values: Any = _strings(tensor, chunk)
    else:
        dtype = NUMBERS[tensor.datatype]
        if len(chunk) % dtype.itemsize:
            raise Unprocessable.field(
                tensor.name, f"{len(chunk)} bytes", f"whole values of {tensor.datatype}"
            )
        values = np.frombuffer(chunk, dtype)
    _check_count(tensor, len(values))
    return values


def _strings(tensor: InputTensor, chunk: bytes) -> list[str]:
    """Each string stands behind its length of four bytes."""
    texts, position = [], 0
    while position < len(chunk):
        start = position + 4
        end = start + (
            _LENGTH.unpack_from(chunk, position)[0] if start <= len(chunk) else len(chunk)
        )
        if end > len(chunk):
            raise Unprocessable.field(
                tensor.name, "bytes that end within a string", "whole strings"
            )
        texts.append(chunk[start:end].decode("utf-8", "replace"))
        position = end
    return texts


def pack(datatype: str, values: np.ndarray[Any, Any]) -> bytes:
    if datatype == "BYTES":
        texts = [text.encode() for text in values.reshape(-1).tolist()]
        return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    return np.ascontiguousarray(values, NUMBERS[datatype]).tobytes()


class TensorEncoder:
    """Encodes inputs, which are columns or the one matrix."""

    def __init__(self, contract: Contract):
        self._contract = contract
        self._features = contract.features
        self._bounds = [_matrix_bounds(feature) for feature in self._features]

    def encode(
        self, inputs: list[InputTensor], values: Mapping[str, Any], encoder: Encoder
    ) -> Matrix:
        width = len(self._features)
        if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] == width:
            if width > 1 or inputs[0].name not in self._contract.names:
                return self._encode_matrix(inputs[0], values[inputs[0].name])
        for tensor in inputs:
            if len(tensor.shape) == 2 and tensor.shape[1] != 1:
                allowed = f"[n] or [n, 1] for a column, or one matrix of [n, {width}]"
                raise Unprocessable.field(tensor.name, str(tensor.shape)[:100], allowed)
        return encoder.encode_columns(values)

    def _encode_matrix(self, tensor: InputTensor, values: Any) -> Matrix:
        """Numbers in the contract's order; a category is its place in the contract's list."""
        if tensor.datatype in ("BYTES", "BOOL"):
            raise Unprocessable.field(tensor.name, tensor.datatype, "numbers, in a matrix")
        try:
            numbers = np.array(values, dtype=np.float64).reshape(tensor.shape)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unprocessable.field(
                tensor.name, "a value that is no number", "numbers, in a matrix"
            ) from error
        errors: list[FieldError] = []
        refused: Counter[tuple[str, Reason]] = Counter()
        for position, feature in enumerate(self._features):
            low, high, whole = self._bounds[position]
            cells = numbers[:, position]
            allowed_cells = (cells >= low) & (cells <= high)
            if whole:
                allowed_cells &= cells == np.floor(cells)
            if feature.column.nullable:
                allowed_cells |= np.isnan(cells)
            if not allowed_cells.all():
                refused += _refused(feature, cells[~allowed_cells], (low, high))
            for row in np.flatnonzero(~allowed_cells)[:100].tolist():
                allowed = (
                    f"in a matrix: a {'whole ' if whole else ''}number from {low:g} to {high:g}"
                )
                errors.append(FieldError(row, feature.name, float(cells[row]), allowed))
        if errors:
            raise Invalid(errors, values=refused)
        return numbers.astype(np.float32)


def _refused(
    feature: Feature, cells: NDArray[np.float64], bounds: tuple[float, float]
) -> Counter[tuple[str, Reason]]:
    """Refused cells of a feature, by the reason; counted for its column."""
    column = feature.column
    missing = np.isnan(cells)
    beyond = ~missing & ~((cells >= bounds[0]) & (cells <= bounds[1]))
    outside: Reason = {"category": "unknown", "boolean": "type"}.get(column.type, "range")  # type: ignore[assignment]
    counts: Counter[tuple[str, Reason]] = Counter()
    counts[column.name, "missing"] += int(missing.sum())
    counts[column.name, outside] += int(beyond.sum())
    counts[column.name, "type"] += int((~missing & ~beyond).sum())
    return +counts


def _matrix_bounds(feature: Feature) -> tuple[float, float, bool]:
    """The least and the greatest of a feature's numbers, and whether they are whole."""
    column = feature.column
    low, high = column.bounds
    if column.levels:
        return 0.0, len(column.levels) - 1.0, True
    return low, high, column.type == "integer"
