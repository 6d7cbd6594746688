"""Which signs a table's numbers are written with: 1234.5, 1,234.5, 1.234,5, 1'234.5, 1 234,5."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tables.csv_format import DECIMALS, THOUSANDS

_SIGNS = "".join(THOUSANDS)
_NUMBER = re.compile(rf"[+-]?([0-9]+(?:[{re.escape(_SIGNS)}][0-9]+)*)(?:[eE][+-]?[0-9]+)?")
#: So many of a column's values have to be numbers before it says anything of their signs.
MOSTLY = 0.8

Role = Literal["decimal", "thousands", "either"]


class _Use(NamedTuple):
    sign: str
    role: Role


class _NoNumber(ValueError):
    """Digits and signs that are none, such as a date's or a version's."""


def signs_of(columns: Sequence[Sequence[str]], separator: str) -> tuple[str, str]:
    """The decimal and the thousands' sign by which most columns of numbers can be read.

    1,234 alone may be either: in a file whose fields no comma separates, a decimal comma.
    """
    votes = Counter(use for column in columns for use in _uses_of_column(column))

    def count(role: Role, sign: str) -> int:
        return votes[_Use(sign, role)]

    decimals = {sign: count("decimal", sign) for sign in DECIMALS}
    if any(decimals.values()):
        decimal = "," if decimals[","] > decimals["."] else "."
    elif count("thousands", ".") or (count("either", ",") and separator != ","):
        decimal = "." if count("thousands", ",") else ","
    else:
        decimal = "."
    thousands = {
        sign: (count("thousands", sign), count("either", sign))
        for sign in THOUSANDS
        if sign and sign != decimal and not decimals.get(sign)
    }
    sign = max(thousands, key=thousands.__getitem__)
    return decimal, sign if any(thousands[sign]) else ""


def _uses_of_column(values: Sequence[str]) -> set[_Use]:
    """Each sign of a column of numbers with its role; none where the column is of something else."""
    texts = [text for value in values if (text := value.strip())]
    numbers = [match[1] for text in texts if (match := _NUMBER.fullmatch(text))]
    if len(numbers) < MOSTLY * len(texts):
        return set()
    try:
        uses = {use for number in numbers for use in _uses(number)}
    except _NoNumber:
        return set()
    sure = {use.sign: use for use in uses if use.role != "either"}
    if len(sure) < sum(use.role != "either" for use in uses):
        return set()
    return {sure.get(use.sign, use) for use in uses}


def _uses(number: str) -> Iterator[_Use]:
    """The signs of one number, such as 1.234,5, in which the comma is of decimals and the dot of thousands."""
    digits, signs = re.split(r"[^0-9]", number), re.findall(r"[^0-9]", number)
    if not signs:
        return
    *before, last = signs
    if before and last not in before:
        if last not in DECIMALS or not _are_groups(digits[:-1], before):
            raise _NoNumber(number)
        yield _Use(last, "decimal")
        yield _Use(before[0], "thousands")
    elif _are_groups(digits, signs):
        yield _Use(last, "thousands" if before or last not in DECIMALS else "either")
    elif before or last not in DECIMALS:
        raise _NoNumber(number)
    else:
        yield _Use(last, "decimal")


def _are_groups(digits: Sequence[str], signs: Sequence[str]) -> bool:
    """Whether one and the same sign stands before each three digits."""
    first, *others = digits
    return (
        len(set(signs)) == 1
        and 1 <= len(first) <= 3
        and first.strip("0") != ""
        and all(len(group) == 3 for group in others)
    )
