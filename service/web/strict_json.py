"""JSON in which no object has a name twice: what msgspec refused, or may have passed too kindly, is judged here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from service.web.problems import NotJson, Unprocessable


class _DuplicateName(ValueError):
    """A name that an object has twice."""


def first_duplicate(names: Iterable[str]) -> str | None:
    """The first name that stands there for a second time, in one pass."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def has_no_duplicate_name(text: bytes, names: int, strings: int) -> bool:
    """Whether JSON in which msgspec read so many names and strings can hold no name twice.

    msgspec keeps the last of two equal names, and says nothing. Invariant: each name and each string that was read
    stands in the text with two quotation marks, so there are never fewer than twice their number. Three cases:
    - a full row: each name and each string was counted, so the numbers are equal;
    - a null: the caller counts no string for it, and it has no quotation mark, so they are still equal;
    - a duplicate: what msgspec dropped has two marks or four that nobody counted, so they differ.
    They also differ where a string holds an escaped mark, or a value is ignored: `parse_json` is slower and decides.
    """
    return text.count(b'"') == 2 * (names + strings)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateName(first_duplicate(name for name, _ in pairs))
    return members


def parse_json(body: bytes) -> Any:
    """A JSON value, in which no object has a name twice.

    Takes NaN and Infinity, so that the contract can refuse them by name.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique)
    except _DuplicateName as error:
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
