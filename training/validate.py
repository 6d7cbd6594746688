"""Data against the contract, and against what makes a model look better than it is. Pure: frame in, report out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from service.contract import Column, Encoder, Matrix, shorten
from training.data import Split
from training.spec import Severity, Spec

EXAMPLES = 3
LEAKAGE_ROWS = 5_000


class Violation(msgspec.Struct, frozen=True):
    """What one check found in one column; `examples` are row numbers with the value found there."""

    check: str
    column: str
    severity: Severity
    count: int
    message: str
    examples: tuple[tuple[int, str], ...] = ()


class Report(NamedTuple):
    """Every check that ran, what it found, and which rows cannot be encoded at all."""

    model: str
    source: str
    fingerprint: str
    rows: int
    checked: tuple[tuple[str, str], ...]
    violations: tuple[Violation, ...]
    unusable: NDArray[np.bool_]

    @property
    def errors(self) -> list[Violation]:
        return [violation for violation in self.violations if violation.severity == "error"]

    @property
    def warnings(self) -> list[Violation]:
        return [violation for violation in self.violations if violation.severity == "warning"]


class Conformed(NamedTuple):
    """A frame with each column as its contract's type; `foreign` marks values that cannot be read as that."""

    frame: pd.DataFrame
    foreign: pd.DataFrame
    given: pd.DataFrame


def conform(spec: Spec, frame: pd.DataFrame) -> Conformed:
    columns = {
        column.name: _conform_column(column, frame[column.name])
        for column in spec.inputs
        if column.name in frame
    }
    columns |= (
        {spec.source.target: _conform_target(spec, frame)} if spec.source.target in frame else {}
    )
    typed = frame.assign(**columns)
    foreign = pd.DataFrame(
        {name: frame[name].notna() & typed[name].isna() for name in columns}, index=frame.index
    )
    return Conformed(typed, foreign, frame)


def _conform_column(column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
    if column.type in ("number", "integer"):
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        whole = numbers if column.type == "number" else numbers.where(numbers == np.floor(numbers))
        return whole.where(~np.isinf(whole))
    if column.type == "timestamp":
        return pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(
            None
        )
    if column.type == "boolean":
        words = values.map(lambda value: str(value).strip().lower() if pd.notna(value) else None)
        return words.map(
            {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
        ).astype(object)
    return values.map(lambda value: value if pd.isna(value) else _text(value)).astype(object)


def _text(value: Any) -> str:
    """A category as text: a whole number that became a float for want of an integer null reads as written."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _conform_target(spec: Spec, frame: pd.DataFrame) -> pd.Series[Any]:
    values = frame[spec.source.target]
    if spec.task == "classification":
        return values.map(lambda value: value if pd.isna(value) else _text(value)).astype(object)
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(~np.isinf(numbers))


def check_columns(spec: Spec, frame: pd.DataFrame, wanted: list[str]) -> list[Violation]:
    """Columns that the source lacks. Nothing else can be checked while one is missing."""
    there = ", ".join(map(str, frame.columns))
    return [
        Violation(
            "columns",
            name,
            "error",
            1,
            f"is missing; the source of {spec.name} has {there or 'no wanted column'}",
        )
        for name in wanted
        if name not in frame.columns
    ]


def check_values(spec: Spec, conformed: Conformed) -> tuple[list[Violation], NDArray[np.bool_]]:
    """Types, ranges, categories, nulls and uniqueness; and the rows that fail any of them."""
    found = [
        Violation(
            "types",
            str(name),
            spec.checks.types,
            int(bad.sum()),
            f"is not {_type_of(spec, str(name))}",
            _examples(conformed.given[name], np.flatnonzero(bad)),
        )
        for name, bad in conformed.foreign.items()
        if bad.any()
    ]
    unusable = conformed.foreign.any(axis=1).to_numpy(copy=True)
    cases = _failure_cases(_schema(spec), conformed.frame)
    for (column, kind), group in cases.groupby(["column", "check"], sort=False):
        name, check = str(column), str(kind)
        rows = group["index"].dropna().astype(int).to_numpy()
        if check == "nulls":
            rows = (
                rows[~conformed.foreign[name].to_numpy()[rows]]
                if name in conformed.foreign
                else rows
            )
        if len(rows) == 0:
            continue
        if check != "uniqueness":
            unusable[rows] = True
        found.append(
            Violation(
                check,
                str(name),
                getattr(spec.checks, check),
                len(rows),
                _breach(spec, check, name),
                _examples(conformed.frame[name], rows),
            )
        )
    return found, unusable


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


def _schema(spec: Spec) -> pa.DataFrameSchema:
    """The contract and the target for Pandera; each check is called as the spec's severity for it."""
    columns = {column.name: _pandera_column(column) for column in spec.inputs}
    target_checks = [_isin(spec.target.classes)] if spec.target.classes else []
    columns[spec.source.target] = pa.Column(checks=target_checks, nullable=False)
    for name in spec.checks.unique:
        columns[name] = pa.Column(
            checks=columns[name].checks if name in columns else None, unique=True, nullable=True
        )
    return pa.DataFrameSchema(columns)


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.type in ("number", "integer"):
        low, high = column.bounds
        checks.append(
            pa.Check(
                lambda values: (values >= low) & (values <= high), name="ranges", error="ranges"
            )
        )
    if column.type == "category":
        checks.append(_isin(column.categories))
    return pa.Column(checks=checks, nullable=column.nullable)


def _isin(allowed: tuple[str, ...]) -> pa.Check:
    return pa.Check(lambda values: values.isin(allowed), name="categories", error="categories")


def _type_of(spec: Spec, name: str) -> str:
    return next(
        (column.allowed for column in spec.inputs if column.name == name), "a finite number"
    )


def _breach(spec: Spec, check: str, name: str) -> str:
    if check == "nulls":
        return (
            "is null, which the contract does not allow"
            if name != spec.source.target
            else "is null: a row without truth"
        )
    if check == "uniqueness":
        return "occurs more than once; checks.unique says it must not"
    if name == spec.source.target:
        return "is none of the classes " + ", ".join(spec.target.classes)
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
            f"{usable} usable rows; at least {least} are needed",
        )
    ]


def check_sides(
    spec: Spec, encoder: Encoder, matrix: Matrix, target: NDArray[Any], split: Split
) -> list[Violation]:
    """What makes a model look better than it is: leakage, duplicates, constants; and classes too rare to learn."""
    return [
        *_leakage(spec, encoder, matrix[split.train], target[split.train]),
        *_duplicates(spec, matrix, target, split),
        *_constants(spec, encoder, matrix),
        *_balance(spec, target),
    ]


def _leakage(
    spec: Spec, encoder: Encoder, matrix: Matrix, target: NDArray[Any]
) -> Iterator[Violation]:
    chosen = np.random.default_rng(spec.search.seed).permutation(len(matrix))[:LEAKAGE_ROWS]
    truth = target[chosen]
    for position, name in enumerate(encoder.contract.names):
        score = _alone(
            spec, np.nan_to_num(matrix[chosen, position : position + 1], nan=-1e9), truth
        )
        if score >= spec.checks.leakage_score:
            message = f"alone predicts {spec.source.target} (score {score:.3f}); is it known before the prediction?"
            yield Violation("leakage", name, spec.checks.leakage, len(matrix), message)


def _alone(spec: Spec, feature: Matrix, truth: NDArray[Any]) -> float:
    """How well a small tree on one feature does: 0 is no better than guessing, 1 is perfect."""
    if spec.task == "regression":
        return float(
            cross_val_score(
                DecisionTreeRegressor(max_leaf_nodes=64, random_state=0), feature, truth, cv=3
            ).mean()
        )
    most = np.unique(truth, return_counts=True)[1].max() / len(truth)
    if most == 1.0 or np.unique(truth, return_counts=True)[1].min() < 3:
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=64, random_state=0)
    accuracy = float(cross_val_score(tree, feature, truth, cv=3, scoring="accuracy").mean())
    return float((accuracy - most) / (1 - most))


def _duplicates(
    spec: Spec, matrix: Matrix, target: NDArray[Any], split: Split
) -> Iterator[Violation]:
    rows = pd.util.hash_pandas_object(
        pd.DataFrame(matrix).assign(target=target), index=False
    ).to_numpy()
    twice = split.held_out[np.isin(rows[split.held_out], rows[split.train])]
    if len(twice):
        message = f"{len(twice)} held-out rows stand among the training rows too; the metrics flatter the model"
        yield Violation("duplicates", "", spec.checks.duplicates, len(twice), message)


def _constants(spec: Spec, encoder: Encoder, matrix: Matrix) -> Iterator[Violation]:
    for position, name in enumerate(encoder.contract.names):
        values = matrix[:, position]
        values = values[~np.isnan(values)]
        if len(values) == 0 or (values == values[0]).all():
            what = f"always {values[0]:g}" if len(values) else "always null"
            yield Violation(
                "constants",
                name,
                spec.checks.constants,
                len(matrix),
                f"is {what}; it tells a model nothing",
            )


def _balance(spec: Spec, target: NDArray[Any]) -> Iterator[Violation]:
    if spec.task != "classification":
        return
    for label, count in zip(*np.unique(target, return_counts=True), strict=True):
        if count / len(target) < spec.checks.minimum_class_share:
            least = spec.checks.minimum_class_share
            message = f"class {label!s} has {count} of {len(target)} rows, less than {least:.1%}"
            yield Violation("balance", spec.source.target, spec.checks.balance, int(count), message)


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
    pairs += [("categories", column.name) for column in spec.inputs if column.type == "category"]
    pairs += [("uniqueness", name) for name in spec.checks.unique]
    pairs += [
        ("columns", target),
        ("types", target),
        ("nulls", target),
        ("rows", ""),
        ("duplicates", ""),
    ]
    pairs += [("balance", target)] if spec.task == "classification" else []
    pairs += [("categories", target)] if spec.target.classes else []
    return tuple(pair for pair in pairs if getattr(spec.checks, pair[0], "error") != "off")
