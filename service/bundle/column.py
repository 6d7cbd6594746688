"""One input of a model, as a typed value: what callers may send, and what parts it is encoded as."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.nearest import nearest

ColumnType = Literal["number", "integer", "category", "boolean", "timestamp"]
#: What becomes of a text that is none of a column's categories.
Unknown = Literal["refuse", "other"]
TimePart = Literal[
    "days",
    "hour",
    "weekday",
    "month",
    "day-of-year",
    "cyclic-hour",
    "cyclic-weekday",
    "cyclic-month",
    "cyclic-day-of-year",
]
TIME_PARTS: tuple[TimePart, ...] = get_args(TimePart)
CYCLIC = "cyclic-"
#: The least number of what repeats itself, and how many there are until it does. A leap year is the longest.
CYCLES: dict[str, tuple[float, float]] = {
    "hour": (0.0, 24.0),
    "weekday": (0.0, 7.0),
    "month": (1.0, 12.0),
    "day-of-year": (1.0, 366.0),
}

FLOAT32_MAX = float(np.finfo(np.float32).max)
#: float32 holds every whole number up to here; beyond, neighbours fall together.
EXACT_INTEGERS = 2**24
#: The level of whatever is none of the categories, where `unknown` is "other": no category has this name.
OTHER_LEVEL = "(other)"
#: Of how many training rows a category is not rare, where a spec does not say it.
USUAL_RARE = 20
#: Texts that are named one by one, in errors, schemas and pages. Of more, the nearest few are, or the first.
MOST_NAMED = 30
FEW_NAMED = 3
LONGEST_NAME = 60


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
    #: What a timestamp becomes: days since 2000, a part of it, or several; a cyclic one is two numbers.
    encode: TimePart | tuple[TimePart, ...] = "days"
    #: Whether a text that is no category is refused, or encoded as one level more.
    unknown: Unknown = "refuse"
    #: Categories of fewer training rows are what a model learns that level from.
    rare: int = USUAL_RARE

    @property
    def time_parts(self) -> tuple[TimePart, ...]:
        """What a timestamp becomes; nothing for any other type."""
        if self.type != "timestamp":
            return ()
        return (self.encode,) if isinstance(self.encode, str) else self.encode

    @property
    def other(self) -> int | None:
        """The code of what is no category, behind those of the categories; None where it is refused."""
        takes = self.type == "category" and self.unknown == "other"
        return len(self.categories) if takes else None

    @property
    def levels(self) -> tuple[str, ...]:
        """What the codes of a category or a boolean stand for; nothing for a number or a time."""
        if self.type == "boolean":
            return ("false", "true")
        return self.categories if self.other is None else (*self.categories, OTHER_LEVEL)

    @property
    def allowed(self) -> str:
        """What may be given, for people: it ends every error about this column."""
        text = _ALLOWED[self.type](self)
        return f"{text} or null" if self.nullable else text

    def allowed_beside(self, value: Any) -> str:
        """The same for who gave this value: of many categories the nearest."""
        if self.other is not None or len(self.categories) <= MOST_NAMED:
            return self.allowed
        text = f"one of {len(self.categories):,} categories"
        if isinstance(value, str):
            names = ", ".join(map(shorten, nearest(value, self.categories, FEW_NAMED)))
            text += f"; the nearest are {names}" if names else "; none is near"
        return f"{text}; or null" if self.nullable else text

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


class Feature(NamedTuple):
    """One column of the matrix: what a column of the contract is encoded as, or a part of that."""

    name: str
    column: Column


class Part(NamedTuple):
    """What people compare and read of a column: the column itself, or one encoding of its time.

    `positions` are the features that it is made of: two of a cyclic one, sine and cosine.
    """

    name: str
    column: Column
    positions: tuple[int, ...]
    #: Of a timestamp, without the word cyclic.
    time: str = ""

    def values(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """A number a row, NaN for a null: of a cyclic part what it was before, such as the hour."""
        if len(self.positions) == 1:
            return np.asarray(matrix[:, self.positions[0]])
        sine, cosine = (matrix[:, position].astype(np.float64) for position in self.positions)
        least, length = CYCLES[self.time]
        turns = np.round(np.arctan2(sine, cosine) / (2 * np.pi) * length, 4)
        # Rounded, so that no midnight becomes the end of the day by the last digit of a sine.
        return np.asarray(np.mod(turns, length) + least, matrix.dtype)


def parts_of(column: Column, start: int) -> list[Part]:
    """The parts of a column whose first feature stands at `start`."""
    if len(column.time_parts) < 2:
        time = column.time_parts[0] if column.time_parts else ""
        return [_part(column.name, column, start, time)]
    parts = []
    for time in column.time_parts:
        parts.append(_part(f"{column.name} {time}", column, start, time))
        start = parts[-1].positions[-1] + 1
    return parts


def _part(name: str, column: Column, start: int, time: str) -> Part:
    width = 2 if time.startswith(CYCLIC) else 1
    return Part(name, column, tuple(range(start, start + width)), time.removeprefix(CYCLIC))


def features_of(part: Part) -> list[Feature]:
    if len(part.positions) == 1:
        return [Feature(part.name, part.column)]
    return [Feature(f"{part.name} {wave}", part.column) for wave in ("sine", "cosine")]


def shorten(value: Any, limit: int = LONGEST_NAME) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def name_few(names: Sequence[str], write: Callable[[str], str] = repr) -> str:
    """Names for people; of very many the first, and how many there are."""
    if len(names) <= MOST_NAMED:
        return ", ".join(map(write, names))
    first = ", ".join(write(name[:LONGEST_NAME]) for name in names[:FEW_NAMED])
    return f"{first} and {len(names) - FEW_NAMED:,} more"


def _number_range(column: Column, noun: str) -> str:
    if column.minimum is not None and column.maximum is not None:
        return f"{noun} from {column.minimum:g} to {column.maximum:g}"
    if column.minimum is not None:
        return f"{noun} of at least {column.minimum:g}"
    if column.maximum is not None:
        return f"{noun} of at most {column.maximum:g}"
    return noun


def _categories(column: Column) -> str:
    return "a text" if column.other is not None else f"one of {name_few(column.categories)}"


_ALLOWED: dict[str, Callable[[Column], str]] = {
    "number": lambda column: _number_range(column, "a finite number"),
    "integer": lambda column: _number_range(column, "a whole number"),
    "category": _categories,
    "boolean": lambda column: "true or false",
    "timestamp": lambda column: "an ISO 8601 date or time, such as '2026-01-31T08:00:00Z'",
}
