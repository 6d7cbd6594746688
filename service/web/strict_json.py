"""JSON read the slow way: what msgspec refused, or may have passed too kindly, is judged here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from service.bundle.contract import Contract, FieldError, Invalid
from service.web.problems import NotJson, Unprocessable


class _Twice(ValueError):
    """A name that an object has twice."""


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that stands there for a second time, in one pass."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def each_once(text: bytes, names: int, strings: int) -> bool:
    """Whether JSON that was read as so many names and strings can hold no name twice.

    msgspec takes the last of two, and says nothing. Each name and each string has two quotation marks; a second one of
    a name would add two, and nothing takes one away. False may also mean an escaped one: ask `parse_json`, which is
    slower, knows, and names it.
    """
    return text.count(b'"') == 2 * (names + strings)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice(first_repeated(name for name, _ in pairs))
    return members


def parse_json(body: bytes) -> Any:
    """A JSON value, in which no object has a name twice.

    Takes NaN and Infinity, so that the contract can refuse them by name.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique)
    except _Twice as error:
        raise Unprocessable.field(str(error), "the name twice", "each name once") from error
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise NotJson("the body is nested too deeply") from error
    except ValueError as error:
        raise NotJson("the body has a number of too many digits") from error


def parse_object(body: bytes, allowed: str) -> dict[str, Any]:
    document = parse_json(body)
    if not isinstance(document, dict):
        raise Unprocessable.field("", document, f"an object with {allowed}")
    return document


def take_list(document: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    value = document[name]
    if not isinstance(value, list):
        raise Unprocessable.field(name, value, "a list of rows")
    at_most(len(value), limit)
    return value


def take_columns(document: Mapping[str, Any], name: str, limit: int) -> dict[str, list[Any]]:
    """Columns as lists of equal length."""
    value = document[name]
    if not isinstance(value, dict):
        raise Unprocessable.field(name, value, "an object with a list for each column")
    errors = [
        FieldError(0, str(key), given, "a list of values")
        for key, given in value.items()
        if not isinstance(given, list)
    ]
    if errors:
        raise Invalid(errors)
    at_most(longest(value), limit)
    return value


def longest(columns: Mapping[str, list[Any]]) -> int:
    return max(map(len, columns.values()), default=0)


def by_name(contract: Contract, rows: list[Any]) -> list[Any]:
    """Rows that are lists of values in the contract's order, as mappings; others as they are."""
    names = contract.names
    return [
        (
            dict(zip(names, row, strict=True))
            if isinstance(row, list) and len(row) == len(names)
            else row
        )
        for row in rows
    ]


def need_rows(count: int, limit: int) -> None:
    if not count:
        raise Unprocessable.field("", "no rows", "at least one row")
    at_most(count, limit)


def at_most(count: int, limit: int) -> None:
    """Asked before rows are read one by one: a small body holds millions of bad ones."""
    if count > limit:
        raise too_many(count, limit)


def too_many(count: int, limit: int) -> Unprocessable:
    return Unprocessable.field("", f"{count} rows", f"up to {limit} rows a request")
