"""Rows as a JSON document has them: a list of rows, or a list a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.bundle.contract import Contract, FieldError, Invalid
from service.web.body import check_row_limit
from service.web.problems import Unprocessable


def take_list(document: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    value = document[name]
    if not isinstance(value, list):
        raise Unprocessable.field(name, value, "a list of rows")
    check_row_limit(len(value), limit)
    return value


def take_columns(document: Mapping[str, Any], name: str, limit: int) -> dict[str, list[Any]]:
    """Columns as lists of equal length."""
    value = document[name]
    if not isinstance(value, dict):
        raise Unprocessable.field(name, value, "an object with a list for each column")
    errors = [
        FieldError(0, str(key), cells, "a list of values")
        for key, cells in value.items()
        if not isinstance(cells, list)
    ]
    if errors:
        raise Invalid(errors)
    check_row_limit(longest(value), limit)
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
