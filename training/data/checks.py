"""The checks of data against the contract: columns, types, ranges, categories, nulls, uniqueness, number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from service.bundle.contract import Column, name_few, shorten
from training.data.coerce import Coerced
from training.data.report import Violation
from training.spec.values import Spec

EXAMPLES = 3

#: A check, the column, and the numbers of the rows that break it.
Breach = tuple[str, str, NDArray[Any]]


def check_columns(spec: Spec, frame: pd.DataFrame, wanted: list[str]) -> list[Violation]:
    """Columns that the source lacks: no dataset is made while one is missing."""
    present = ", ".join(map(str, frame.columns))
    return [
        Violation(
            "columns",
            name,
            "error",
            1,
            f"is missing; the source of {spec.name} has {present or 'no wanted column'}",
        )
        for name in wanted
        if name not in frame.columns
    ]


def check_values(spec: Spec, coerced: Coerced) -> tuple[list[Violation], NDArray[np.bool_]]:
    """Types, ranges, categories, nulls and uniqueness; and the rows that fail any of them."""
    violations, unusable = [], np.zeros(len(coerced.frame), dtype=bool)
    for check, name, rows in [*_unreadable(coerced), *_breaches(spec, coerced)]:
        # Of two rows that are alike, each for itself can be used.
        if check != "uniqueness":
            unusable[rows] = True
        values = (coerced.source if check == "types" else coerced.frame)[name]
        severity = getattr(spec.checks, check)
        message = _message(spec, check, name)
        violations.append(
            Violation(check, name, severity, len(rows), message, _examples(values, rows))
        )
    return violations, unusable


def _unreadable(coerced: Coerced) -> Iterator[Breach]:
    for name, mask in coerced.unreadable.items():
        if mask.any():
            yield "types", str(name), np.flatnonzero(mask)


def _breaches(spec: Spec, coerced: Coerced) -> Iterator[Breach]:
    """Everything else, by Pandera; a value that could not be read is no null besides."""
    cases = _failure_cases(_schema(spec, coerced.frame), coerced.frame)
    for (column, check), group in cases.groupby(["column", "check"], sort=False):
        name, rows = str(column), group["index"].dropna().astype(int).to_numpy()
        if check == "nulls" and name in coerced.unreadable:
            rows = rows[~coerced.unreadable[name].to_numpy()[rows]]
        if len(rows):
            yield str(check), name, rows


def _examples(values: pd.Series[Any], rows: NDArray[Any]) -> tuple[tuple[int, str], ...]:
    """The first of these rows with what stands there."""
    return tuple((int(row), _in_words(values.iloc[row])) for row in rows[:EXAMPLES])


def _in_words(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    return "null" if pd.isna(plain) else shorten(plain)


def _failure_cases(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        names = {"not_nullable": "nulls", "field_uniqueness": "uniqueness"}
        cases: pd.DataFrame = error.failure_cases
        return cases.assign(check=cases["check"].replace(names))
    return pd.DataFrame({"column": [], "check": [], "index": []})


def _schema(spec: Spec, frame: pd.DataFrame) -> pa.DataFrameSchema:
    """Contract and target for Pandera, of what is there; each check is called as the spec's severity for it."""
    columns = {column.name: _pandera_column(column) for column in spec.inputs}
    target_checks = [_isin(spec.target.classes)] if spec.target.classes else []
    columns[spec.source.target] = pa.Column(checks=target_checks, nullable=False)
    for name in spec.checks.unique:
        columns[name] = pa.Column(
            checks=columns[name].checks if name in columns else None, unique=True, nullable=True
        )
    return pa.DataFrameSchema({name: checks for name, checks in columns.items() if name in frame})


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.type in ("number", "integer"):
        low, high = column.bounds
        checks.append(
            pa.Check(
                lambda values: (values >= low) & (values <= high), name="ranges", error="ranges"
            )
        )
    if column.type == "category" and column.other is None:
        checks.append(_isin(column.categories))
    return pa.Column(checks=checks, nullable=column.nullable)


def _isin(allowed: tuple[str, ...]) -> pa.Check:
    return pa.Check(lambda values: values.isin(allowed), name="categories", error="categories")


def _type_of(spec: Spec, name: str) -> str:
    if name == spec.source.time:
        return Column(name=name, type="timestamp").allowed
    return next(
        (column.allowed for column in spec.inputs if column.name == name), "a finite number"
    )


def _message(spec: Spec, check: str, name: str) -> str:
    if check == "types":
        return f"is not {_type_of(spec, name)}"
    if check == "nulls":
        return (
            "is null, which the contract does not allow"
            if name != spec.source.target
            else "is null: a row without truth"
        )
    if check == "uniqueness":
        return "occurs more than once; checks.unique says it must not"
    if name == spec.source.target:
        return "is none of the classes " + name_few(spec.target.classes, str)
    return f"is not {_type_of(spec, name)}"


def check_rows(spec: Spec, usable: int) -> list[Violation]:
    least = spec.checks.minimum_rows
    if usable >= least:
        return []
    return [
        Violation(
            "rows",
            "",
            spec.checks.rows,
            usable,
            f"{usable} usable rows; at least {least} are needed (checks.minimum_rows)",
        )
    ]


def checks_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """Every check and the column that it looks at, whether it finds something or not."""
    target = spec.source.target
    pairs = [
        (check, column.name)
        for column in spec.inputs
        for check in ("columns", "types", "nulls", "leakage", "constants")
    ]
    pairs += [
        ("ranges", column.name) for column in spec.inputs if column.type in ("number", "integer")
    ]
    pairs += [
        ("categories", column.name)
        for column in spec.inputs
        if column.type == "category" and column.other is None
    ]
    pairs += [("uniqueness", name) for name in spec.checks.unique]
    pairs += [
        ("columns", target),
        ("types", target),
        ("nulls", target),
        ("rows", ""),
        ("duplicates", ""),
    ]
    pairs += [("columns", spec.group_beside)] if spec.group_beside else []
    pairs += [("balance", target)] if spec.task == "classification" else []
    pairs += [("categories", target)] if spec.target.classes else []
    return tuple(pair for pair in pairs if getattr(spec.checks, pair[0], "error") != "off")
