"""The columns that a model takes and what it gives, as typed values; and the errors for values that they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Task = Literal["classification", "regression", "optimization"]
ColumnType = Literal["number", "integer", "category", "boolean", "timestamp"]
#: Why a value is refused: no category of the contract, beyond its range, not there, or of another type.
Reason = Literal["unknown", "range", "missing", "type"]
#: How many values by column and reason; the column is empty for what is no column's.
RefusedValues = Mapping[tuple[str, Reason], int]
TimePart = Literal["days", "day-of-year", "hour", "weekday"]

FLOAT32_MAX = float(np.finfo(np.float32).max)
#: float32 holds every whole number up to here; beyond, neighbours fall together.
EXACT_INTEGERS = 2**24
ERROR_LIMIT = 100


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input of a model."""

    name: str
    type: ColumnType
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    nullable: bool = False
    unit: str = ""
    description: str = ""
    example: Any = None
    sensitive: bool = False
    #: What a timestamp becomes: days since 2000, or a part of it.
    encode: TimePart = "days"

    @property
    def allowed(self) -> str:
        """What may be given, for people: it ends every error about this column."""
        text = _ALLOWED[self.type](self)
        return f"{text} or null" if self.nullable else text

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number, narrowed to what float32 can hold."""
        limit = EXACT_INTEGERS if self.type == "integer" else FLOAT32_MAX
        low = -limit if self.minimum is None else max(self.minimum, -limit)
        high = limit if self.maximum is None else min(self.maximum, limit)
        return low, high

    @property
    def sample(self) -> Any:
        """A value that is allowed: the example, or one made up."""
        if self.example is not None:
            return self.example
        if self.type == "category":
            return self.categories[0]
        if self.type == "boolean":
            return True
        if self.type == "timestamp":
            return "2026-01-01T00:00:00Z"
        low, high = self.minimum, self.maximum
        middle = (low + high) / 2 if low is not None and high is not None else low or high or 0.0
        return math.floor(middle) if self.type == "integer" else middle


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that a model predicts."""

    name: str
    unit: str = ""
    description: str = ""
    #: Of a quantile: the output whose it is, and its level; no truth is ever sent of it.
    of: str = ""
    quantile: float | None = None


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which probability on the model answers `positive`, the second of two classes; and why from there."""

    positive: str
    value: float
    goal: str


class Feature(NamedTuple):
    """One column of the matrix: what a column of the contract is encoded as, or a part of that."""

    name: str
    column: Column


class Part(NamedTuple):
    """What people compare and read of a column: the column itself, or one encoding of its time.

    `positions` are the features that it is made of.
    """

    name: str
    column: Column
    positions: tuple[int, ...]

    def values(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """A number a row, NaN for a null."""
        return np.asarray(matrix[:, self.positions[0]])


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model takes and gives. `classes` are a classifier's labels, in the order of its probabilities.

    `columns` are what callers send, `features` what the matrix has: a column may be several features.
    """

    model: str
    task: Task
    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    classes: tuple[str, ...] = ()
    #: Already in the model's answers. Without one, the most probable class is the answer.
    threshold: Threshold | None = None

    @property
    def targets(self) -> tuple[Output, ...]:
        """The outputs that can come true: all but quantiles."""
        return tuple(output for output in self.outputs if not output.of)

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the quantiles, which are the last outputs."""
        return tuple(output.quantile for output in self.outputs if output.quantile is not None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def example(self) -> dict[str, Any]:
        """One valid row."""
        return {column.name: column.sample for column in self.columns}

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of the matrix, in order. Worked out anew each time: no hot path asks."""
        return tuple(Feature(column.name, column) for column in self.columns)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is compared and shown, in the order of the matrix."""
        return tuple(
            Part(feature.name, feature.column, (position,))
            for position, feature in enumerate(self.features)
        )

    def parts_of(self, name: str) -> tuple[Part, ...]:
        """Those of one column; KeyError where there is no such column."""
        parts = tuple(part for part in self.parts if part.column.name == name)
        if not parts:
            raise KeyError(name)
        return parts

    def positions(self, name: str) -> tuple[int, ...]:
        """Where a column stands in the matrix; KeyError where there is no such column."""
        return tuple(position for part in self.parts_of(name) for position in part.positions)


class FieldError(msgspec.Struct, frozen=True):
    """One field that the contract refuses. `row` counts from 0; `column` is empty where the row itself is wrong."""

    row: int
    column: str
    given: Any
    allowed: str

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{where}: given {shorten(self.given)}; allowed: {self.allowed}"


class Invalid(ValueError):
    """Input that the contract refuses: `errors` has the first hundred, `total` and `values` count all."""

    def __init__(
        self,
        errors: Sequence[FieldError],
        total: int | None = None,
        values: RefusedValues | None = None,
    ):
        self.errors = list(errors[:ERROR_LIMIT])
        self.total = len(errors) if total is None else total
        self.values: RefusedValues = values or {}
        super().__init__("; ".join(str(error) for error in self.errors[:3]))


def shorten(value: Any, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _number_range(column: Column, noun: str) -> str:
    if column.minimum is not None and column.maximum is not None:
        return f"{noun} from {column.minimum:g} to {column.maximum:g}"
    if column.minimum is not None:
        return f"{noun} of at least {column.minimum:g}"
    if column.maximum is not None:
        return f"{noun} of at most {column.maximum:g}"
    return noun


_ALLOWED: dict[str, Callable[[Column], str]] = {
    "number": lambda column: _number_range(column, "a finite number"),
    "integer": lambda column: _number_range(column, "a whole number"),
    "category": lambda column: "one of " + ", ".join(repr(name) for name in column.categories),
    "boolean": lambda column: "true or false",
    "timestamp": lambda column: "an ISO 8601 date or time, such as '2026-01-31T08:00:00Z'",
}
