"""The rules of the columns of a spec: keys of a column that contradict each other, and columns that share a name."""

from __future__ import annotations

from collections.abc import Iterator

from service.bundle.column import CYCLIC, USUAL_RARE
from service.bundle.contract import OTHER_LEVEL, Column
from service.bundle.rows.column_value import value_encoder
from training.spec.values import Spec


def column_problems(spec: Spec) -> list[str]:
    """All of `[columns]`, each with the key that is wrong."""
    names = [column.name for column in spec.inputs]
    problems = [] if names else ["columns: given none; allowed: at least one"]
    problems += [
        f"columns: {name!r} stands more than once"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    names += [part.name for part in spec.contract().parts if part.name != part.column.name]
    problems += [
        f"columns: {name!r} is the name of a column, and of a part of another's time; rename the column"
        for name in sorted(set(names))
        if names.count(name) > 1 and f"columns: {name!r} stands more than once" not in problems
    ]
    for column in spec.inputs:
        problems += [f"columns.{column.name}{problem}" for problem in _problems_of_column(column)]
        if column.name in spec.monotone:
            problems += _problems_of_direction(column)
    return problems


def _problems_of_column(column: Column) -> list[str]:
    problems = []
    if column.type == "category" and not column.categories:
        problems.append(".categories: missing; a category column lists what is allowed")
    if column.type != "category" and column.categories:
        problems.append(
            f".categories: given for a {column.type}; allowed: only for type 'category'"
        )
    if len(set(column.categories)) < len(column.categories):
        problems.append(".categories: a category stands more than once")
    if (column.minimum is not None or column.maximum is not None) and column.type not in (
        "number",
        "integer",
    ):
        problems.append(
            f".minimum/.maximum: given for a {column.type}; allowed: only for numbers and integers"
        )
    low, high = column.bounds
    if low > high:
        problems.append(
            f".minimum: given {column.minimum}; allowed: at most the maximum, {column.maximum}"
        )
    problems += [*_problems_of_encoding(column), *_problems_of_others(column)]
    return problems or _example_problems(column)


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
