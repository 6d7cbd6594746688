"""What a model takes and gives, as typed values; and the errors for values that it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.column import (
    EXACT_INTEGERS,
    FLOAT32_MAX,
    MOST_NAMED,
    OTHER_LEVEL,
    Column,
    ColumnType,
    Feature,
    Part,
    TimePart,
    Unknown,
    features_of,
    name_few,
    parts_of,
    shorten,
)

#: Whoever asks for a contract finds here what it is made of.
__all__ = [
    "ERROR_LIMIT",
    "EXACT_INTEGERS",
    "FLOAT32_MAX",
    "MOST_NAMED",
    "OTHER_LEVEL",
    "Column",
    "ColumnType",
    "Contract",
    "Feature",
    "FieldError",
    "Invalid",
    "Matrix",
    "Output",
    "Part",
    "Reason",
    "RefusedValues",
    "Task",
    "TimePart",
    "Unknown",
    "name_few",
    "shorten",
]

Matrix = NDArray[np.float32]
Task = Literal["classification", "regression", "optimization"]
#: Why a value is refused: no category of the contract, beyond its range, not there, or of another type.
Reason = Literal["unknown", "range", "missing", "type"]
#: How many values by column and reason; the column is empty for what is no column's.
RefusedValues = Mapping[tuple[str, Reason], int]

ERROR_LIMIT = 100


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
        return tuple(feature for part in self.parts for feature in features_of(part))

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is compared and shown, in the order of the matrix."""
        parts: list[Part] = []
        for column in self.columns:
            parts += parts_of(column, parts[-1].positions[-1] + 1 if parts else 0)
        return tuple(parts)

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
