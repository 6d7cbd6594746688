"""A column of a first spec: its line, or why it is left out, which stands there as a comment."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from service.bundle.column import USUAL_RARE
from service.bundle.contract import EXACT_INTEGERS, FLOAT32_MAX
from training.draft.profile import SIGNS, Column

#: So many texts are all categories. Of more, those that stand in as many rows as a model needs to tell one apart.
MOST_CATEGORIES = 30
MOST_LISTED = 300
#: A column of more texts is a category if the listed ones have at least this share of its values.
MOSTLY_LISTED = 0.5
#: How far beyond the values seen a drafted range reaches, as a share of their span.
MARGIN = 0.25
#: From this share of values that no other row has, a text or a number called `id` is a name of the row.
OWN = 0.95
WORDS_OF_FREE_TEXT = 3
_ID = re.compile(
    r".*(?:^|[^a-z])(?:id|uuid|guid|key|nr|no|index)|.*[a-z](?:Id|ID)|Unnamed: .*", re.I
)
_CODE = re.compile(r"[A-Z]{2}")


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def missing_marks(columns: Iterable[Column], usual: Iterable[str]) -> tuple[str, ...]:
    """What stands for no value in a CSV file, where the usual marks do not say it; empty where they do.

    A mark counts if it stands in a column of numbers, times or booleans, or is no word. The usual ones do anywhere, but
    for NA among other codes of two letters, which is Namibia.
    """
    columns, usual = list(columns), set(usual)
    seen = {mark for column in columns for mark in column.marks}
    sure = {
        mark for column in columns if column.form not in ("text", "other") for mark in column.marks
    }
    taken = sure | (seen & SIGNS) | (seen & usual)
    if "NA" in taken - sure and any(
        "NA" in column.marks and _are_codes(column) for column in columns
    ):
        taken -= {"NA"}
        return ("", *sorted(taken))
    return ("", *sorted(taken)) if taken - usual else ()


def _are_codes(column: Column) -> bool:
    values = list(column.values or ())
    return len(values) > 3 and all(_CODE.fullmatch(value) for value in values)


def categories_of(column: Column, missing: Iterable[str]) -> Counter[str] | None:
    """Every text of a column with how often it stands there, marks that are none among them; None for too many."""
    if column.values is None:
        return None
    others = {mark: count for mark, count in column.marks.items() if mark not in missing}
    return column.values + column.strange + Counter(others)


def column_lines(column: Column, missing: Iterable[str]) -> list[str]:
    """The column's line of the spec, or a comment that says why it has none."""
    categories = categories_of(column, missing)
    reason = _reason(column, categories)
    if reason:
        return [f"# {quoted(column.name)} left out: {reason}"]
    parts = _type(column, categories or Counter())
    present = sum(categories.values()) if _is_category(column) and categories else column.present
    if present < column.rows:
        parts.append("nullable = true")
    return [f"{quoted(column.name)} = {{ {', '.join(parts)} }}"]


def _is_category(column: Column) -> bool:
    return column.form == "text" or bool(column.strange)


def _reason(column: Column, categories: Counter[str] | None) -> str:
    if column.form == "other":
        return "its values are lists, tables or bytes"
    total = column.present if not _is_category(column) else sum((categories or Counter()).values())
    if not column.present and not total:
        return "it has no value in any row"
    if categories is not None and len(categories) == 1 and total == column.rows:
        return f"it has the same value in every row, {next(iter(categories))!r}"
    if column.form == "number" and not column.strange:
        return _reason_of_numbers(column)
    return _reason_of_texts(column, categories) if _is_category(column) else ""


def _reason_of_numbers(column: Column) -> str:
    one_by_one = (
        column.is_whole
        and column.rises
        and column.maximum - column.minimum + 1 == column.present == column.rows
    )
    if one_by_one and column.rows > MOST_CATEGORIES:
        return "an identifier: it counts the rows"
    named = _ID.fullmatch(column.name) and column.is_whole
    if named and column.distinct_share >= OWN and column.rows > MOST_CATEGORIES:
        return "an identifier: it is called so, and each row has its own"
    return ""


def _reason_of_texts(column: Column, categories: Counter[str] | None) -> str:
    different = f"{len(categories):,}" if categories is not None else column.different
    if column.looks_like_dates:
        example = next(iter(column.values or ()))
        return f"dates such as {example!r}; ISO 8601 is needed, such as '2026-12-31'"
    if categories is not None and (
        len(categories) <= MOST_CATEGORIES or (not column.strange and _repeats(categories))
    ):
        return ""
    if column.strange:
        values = ", ".join(repr(value) for value, _ in column.strange.most_common(3))
        return (
            f"numbers, but for {sum(column.strange.values()):,} values such as {values};"
            " correct them, or name them in data.missing"
        )
    if column.words >= WORDS_OF_FREE_TEXT:
        return f"free text: {different} different values, of {column.words:.0f} words on average"
    if column.distinct_share >= OWN:
        return f"an identifier: a text with {different} different values, nearly one for each row"
    return (
        f"a text with {different} different values, most of which stand in few rows, is no category"
    )


def _repeats(categories: Counter[str]) -> bool:
    listed = _listed(categories)
    return sum(categories[value] for value in listed) >= MOSTLY_LISTED * sum(categories.values())


def _listed(categories: Counter[str]) -> list[str]:
    """All of few; of many the commonest, of which each has rows enough to be told from the others."""
    if len(categories) <= MOST_CATEGORIES:
        return sorted(categories)
    commonest = categories.most_common(MOST_LISTED)
    return sorted(value for value, rows in commonest if rows >= USUAL_RARE)


def _type(column: Column, categories: Counter[str]) -> list[str]:
    if _is_category(column):
        listed = ", ".join(map(quoted, _listed(categories)))
        others = ['unknown = "other"'] if len(categories) > MOST_CATEGORIES else []
        return ['type = "category"', f"categories = [{listed}]", *others]
    if column.form == "timestamp":
        return ['type = "timestamp"', *_encode(column)]
    return _number(column) if column.form == "number" else [f"type = {quoted(column.form)}"]


def _encode(column: Column) -> list[str]:
    """The parts of a time that differ; all of them, where its values are too many to be known."""
    varying = ["month", "weekday", "hour"]
    if column.values is not None:
        moments = pd.to_datetime(pd.Series(list(column.values)), format="ISO8601", utc=True).dt
        varying = [part for part in varying if getattr(moments, part).nunique() > 1]
    return [f"encode = {json.dumps(['days', *varying])}"] if varying else []


def _number(column: Column) -> list[str]:
    """A range somewhat wider than what was seen; what was never negative stays so."""
    least, most = (
        float(np.clip(end, -FLOAT32_MAX, FLOAT32_MAX)) for end in (column.minimum, column.maximum)
    )
    room = (most - least) * MARGIN
    low, high = least - room, most + room
    low = max(low, 0.0) if least >= 0 else low
    # A larger whole number has no exact place in a model's float32: an identifier, or something to measure.
    if column.is_whole and max(abs(least), abs(most)) <= EXACT_INTEGERS:
        ends = [
            f"{max(math.floor(low), -EXACT_INTEGERS):.0f}",
            f"{min(math.ceil(high), EXACT_INTEGERS):.0f}",
        ]
        return ['type = "integer"', f"minimum = {ends[0]}", f"maximum = {ends[1]}"]
    low, high = (_rounded(end, room) for end in (low, high))
    return ['type = "number"', f"minimum = {low!r}", f"maximum = {high!r}"]


def _rounded(end: float, room: float) -> float:
    """As few digits as leave most of the room between the range's end and the values seen."""
    return round(end, 1 - math.floor(math.log10(room))) if room else end
