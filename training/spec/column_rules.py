"""The rules of the columns of a spec: keys of a column that contradict each other, and columns that share a name."""

from __future__ import annotations

from collections.abc import Iterator

from service.bundle.column import CYCLIC, USUAL_RARE
from service.bundle.contract import OTHER_LEVEL, Column
from service.bundle.rows.column_value import value_encoder
from training.spec.values import Spec


def column_problems(spec: Spec) -> Iterator[str]:
    """All of `[columns]`, each with the key that is wrong."""
    names = [column.name for column in spec.inputs]
    if not names:
        yield "columns: given none; allowed: at least one"
    repeated = {name for name in names if names.count(name) > 1}
    for name in sorted(repeated):
        yield f"columns: {name!r} stands more than once"
    names += [part.name for part in spec.contract().parts if part.name != part.column.name]
    for name in sorted(set(names) - repeated):
        if names.count(name) > 1:
            yield f"columns: {name!r} is the name of a column, and of a part of another's time; rename the column"
    for column in spec.inputs:
        # An example is held against the rest of its column, where that is sound.
        for problem in [*_problems_of_column(column)] or _example_problems(column):
            yield f"columns.{column.name}{problem}"
        if column.name in spec.monotone:
            yield from _problems_of_direction(column)


def _problems_of_column(column: Column) -> Iterator[str]:
    if column.type == "category" and not column.categories:
        yield ".categories: missing; a category column lists what is allowed"
    if column.type != "category" and column.categories:
        yield f".categories: given for a {column.type}; allowed: only for type 'category'"
    if len(set(column.categories)) < len(column.categories):
        yield ".categories: a category stands more than once"
    bounded = column.minimum is not None or column.maximum is not None
    if bounded and column.type not in ("number", "integer"):
        yield f".minimum/.maximum: given for a {column.type}; allowed: only for numbers and integers"
    low, high = column.bounds
    if low > high:
        yield f".minimum: given {column.minimum}; allowed: at most the maximum, {column.maximum}"
    yield from _problems_of_encoding(column)
    yield from _problems_of_others(column)


def _problems_of_encoding(column: Column) -> Iterator[str]:
    if column.encode != "days" and column.type != "timestamp":
        yield f".encode: given for a {column.type}; allowed: only for type 'timestamp'"
    for time in sorted(set(column.time_parts)):
        if column.time_parts.count(time) > 1:
            yield f".encode: given {time!r} more than once; allowed: each part of a time once"


def _problems_of_direction(column: Column) -> Iterator[str]:
    """Of several parts none has the direction of the time, and sine and cosine have none at all."""
    if len(column.time_parts) > 1 or any(part.startswith(CYCLIC) for part in column.time_parts):
        yield (
            f"columns.{column.name}.monotone: given for a time that is {', '.join(column.time_parts)};"
            " allowed: for one part that is not cyclic, such as encode = 'days'"
        )


def _problems_of_others(column: Column) -> Iterator[str]:
    takes_others = column.unknown == "other"
    if takes_others and column.type != "category":
        yield f".unknown: given 'other' for a {column.type}; allowed: only for type 'category'"
    if column.rare != USUAL_RARE and not takes_others:
        yield (
            f".rare: given {column.rare}, which says nothing without unknown = 'other'; allowed: with it,"
            " the least rows of a category that a model tells apart"
        )
    if takes_others and OTHER_LEVEL in column.categories:
        yield f".categories: given {OTHER_LEVEL!r}; allowed: any name but this, which is that of the others"


def _example_problems(column: Column) -> list[str]:
    try:
        value_encoder(column, 1)(column.sample)
    except ValueError:
        return [f".example: given {column.example!r}; allowed: {column.allowed}"]
    return []
