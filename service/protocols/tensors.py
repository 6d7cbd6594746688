"""Tensors of the Open Inference Protocol, as JSON or bytes: to a matrix, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from service.bundle.contract import Contract, FieldError, Invalid, Matrix
from service.bundle.encoder import Encoder
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


class Given(msgspec.Struct, frozen=True):
    """An input tensor as it came."""

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


def read_tensor(given: Given, tail: Tail) -> Any:
    """A tensor's values in a flat sequence; bytes are taken from the tail."""
    if given.datatype != "BYTES" and given.datatype not in NUMBERS:
        raise Unprocessable.field(
            given.name, given.datatype, "BYTES or one of " + ", ".join(NUMBERS)
        )
    _check_shape(given)
    size = given.parameters.get("binary_data_size")
    if size is None:
        return _from_json(given)
    if given.data is not None or not isinstance(size, int) or not 0 <= size <= tail.left:
        raise Unprocessable.field(
            given.name, size, f"a binary_data_size up to {tail.left}, and no data"
        )
    return _from_bytes(given, tail.take(size))


def _check_shape(given: Given) -> None:
    """Before anything is multiplied: a product of a million lengths takes minutes."""
    if len(given.shape) not in (1, 2):
        lengths = f"a shape of {len(given.shape)} lengths"
        raise Unprocessable.field(given.name, lengths, SHAPES)
    for length in given.shape:
        if not 0 <= length < LONGEST:
            raise Unprocessable.field(given.name, length, f"lengths from 0, below {LONGEST}")


def _check_count(given: Given, count: int) -> None:
    if count != math.prod(given.shape):
        allowed = f"{math.prod(given.shape)} values, as the shape says"
        raise Unprocessable.field(given.name, f"{count} values", allowed)


def _from_json(given: Given) -> list[Any]:
    values = given.data
    if values is None:
        raise Unprocessable.field(given.name, None, "data, or bytes with a binary_data_size")
    while values and all(isinstance(value, list) for value in values):
        values = [cell for row in values for cell in row]
    _check_count(given, len(values))
    _check_types(given, values)
    return values


def _check_types(given: Given, values: list[Any]) -> None:
    """Each value is of the tensor's datatype, or null. NumPy would make numbers of "11.5" and true."""
    place = _first_wrong(given.datatype, values)
    if place is not None:
        row = place // math.prod(given.shape[1:])
        raise Unprocessable.field(given.name, values[place], f"values of {given.datatype}", row)


def _first_wrong(datatype: str, values: list[Any]) -> int | None:
    types = _types_of(datatype)
    if not types.issuperset(map(type, values)):
        return next(place for place, value in enumerate(values) if type(value) not in types)
    if float in types or int not in types:
        return None
    limits: Any = np.iinfo(NUMBERS[datatype])
    low, high = int(limits.min), int(limits.max)
    outside = (
        place
        for place, value in enumerate(values)
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


def _from_bytes(given: Given, chunk: bytes) -> Any:
    if given.datatype == "BYTES":
        values: Any = _strings(given, chunk)
    else:
        dtype = NUMBERS[given.datatype]
        if len(chunk) % dtype.itemsize:
            raise Unprocessable.field(
                given.name, f"{len(chunk)} bytes", f"whole values of {given.datatype}"
            )
        values = np.frombuffer(chunk, dtype)
    _check_count(given, len(values))
    return values


def _strings(given: Given, chunk: bytes) -> list[str]:
    """Each string stands behind its length of four bytes."""
    found, place = [], 0
    while place < len(chunk):
        start = place + 4
        end = start + (_LENGTH.unpack_from(chunk, place)[0] if start <= len(chunk) else len(chunk))
        if end > len(chunk):
            raise Unprocessable.field(given.name, "bytes that end within a string", "whole strings")
        found.append(chunk[start:end].decode("utf-8", "replace"))
        place = end
    return found


def pack(datatype: str, values: np.ndarray[Any, Any]) -> bytes:
    if datatype == "BYTES":
        texts = [text.encode() for text in values.reshape(-1).tolist()]
        return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    return np.ascontiguousarray(values, NUMBERS[datatype]).tobytes()


class Shapes:
    """Decides whether inputs are columns or the matrix, and encodes them."""

    def __init__(self, contract: Contract):
        self._contract = contract
        self._bounds = [_matrix_bounds(contract, number) for number in range(len(contract.columns))]

    def encode(self, inputs: list[Given], values: Mapping[str, Any], encoder: Encoder) -> Matrix:
        width = len(self._contract.columns)
        if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] == width:
            if width > 1 or inputs[0].name not in self._contract.names:
                return self._encode_matrix(inputs[0], values[inputs[0].name])
        for given in inputs:
            if len(given.shape) == 2 and given.shape[1] != 1:
                allowed = f"[n] or [n, 1] for a column, or one matrix of [n, {width}]"
                raise Unprocessable.field(given.name, str(given.shape)[:100], allowed)
        return encoder.encode_columns(values)

    def _encode_matrix(self, given: Given, values: Any) -> Matrix:
        """Numbers in the contract's order; a category is its place in the contract's list."""
        if given.datatype in ("BYTES", "BOOL"):
            raise Unprocessable.field(given.name, given.datatype, "numbers, in a matrix")
        try:
            numbers = np.array(values, dtype=np.float64).reshape(given.shape)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unprocessable.field(
                given.name, "a value that is no number", "numbers, in a matrix"
            ) from error
        errors: list[FieldError] = []
        for position, column in enumerate(self._contract.columns):
            low, high, whole = self._bounds[position]
            cells = numbers[:, position]
            good = (cells >= low) & (cells <= high)
            if whole:
                good &= cells == np.floor(cells)
            if column.nullable:
                good |= np.isnan(cells)
            for row in np.flatnonzero(~good)[:100].tolist():
                allowed = (
                    f"in a matrix: a {'whole ' if whole else ''}number from {low:g} to {high:g}"
                )
                errors.append(FieldError(row, column.name, float(cells[row]), allowed))
        if errors:
            raise Invalid(errors)
        return numbers.astype(np.float32)


def _matrix_bounds(contract: Contract, number: int) -> tuple[float, float, bool]:
    """The least and the greatest of a column's encoded numbers, and whether they are whole."""
    column = contract.columns[number]
    low, high = column.bounds
    if column.type == "category":
        return 0.0, len(column.categories) - 1.0, True
    if column.type == "boolean":
        return 0.0, 1.0, True
    return low, high, column.type == "integer"
