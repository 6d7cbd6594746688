"""A first spec for a table, to be read and corrected by somebody who knows the data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from outside.address import public
from service.bundle.contract import Task
from tables.csv_format import CsvFormat
from tables.errors import TableError
from tables.kinds import Kind, as_kind
from tables.source import open_table
from training.common.errors import SourceError, SpecError
from training.common.files import write_whole
from training.draft.baseline import class_gate, number_gate
from training.draft.columns import (
    MOST_CATEGORIES,
    categories_of,
    column_lines,
    missing_marks,
    quoted,
)
from training.draft.profile import Column, profile
from training.draft.source import format_lines, format_of, refuse_hidden_password, source_lines
from training.spec.load import FOLDER, parse
from training.spec.values import NAME

#: Whole numbers of more than so many values are amounts.
MOST_CLASSES = 10
#: So many of the target's values are measured.
MOST_TARGETS = 5_000_000


class Rows(NamedTuple):
    """What was read: its columns, its format, and the target's values."""

    columns: Sequence[Column]
    form: CsvFormat
    target: pa.ChunkedArray


def write_draft(
    source: str, target: str, name: str, folder: Path = FOLDER, query: str = ""
) -> Path:
    """Writes the spec of a model that has none yet; where anything is in the way, nothing is written."""
    if bool(query) != ("://" in source):
        raise SourceError(
            f"{public(source)}: a database (postgresql://...) needs QUERY='select ...', and a file takes none"
        )
    refuse_hidden_password(source)
    path = folder / f"{_checked_name(name or _name_of(source))}.toml"
    if path.exists():
        raise SpecError(str(path), ["is there already; remove it, or give another name"])
    text = draft_spec(source, target, path.stem, query)
    parse(tomllib.loads(text), str(path), path.stem)
    write_whole(path, text.encode())
    return path


def _name_of(source: str) -> str:
    if "://" in source or re.search(r"[*?\[]", source):
        raise SpecError(
            "--name", [f"missing; {public(source)} names no model: NAME=late-orders, for one"]
        )
    return Path(source).stem.lower().replace("_", "-")


def _checked_name(name: str) -> str:
    if re.fullmatch(NAME, name):
        return name
    proposed = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63]
    example = proposed if re.fullmatch(NAME, proposed) else "late-orders"
    raise SpecError(
        "--name",
        [
            f"given {name!r}; allowed: small letters, digits and hyphens, a letter first,"
            f" at most 63, such as {example!r}"
        ],
    )


def draft_spec(source: str, target: str, name: str, query: str = "") -> str:
    """A spec as TOML: format, types, ranges and categories as they are in all rows, and a gate above the baseline."""
    try:
        rows = _read(source, target, query)
    except TableError as error:
        raise SourceError(str(error)) from error
    missing = missing_marks(rows.columns, CsvFormat().missing)
    (aim,) = [column for column in rows.columns if column.name == target]
    classes = categories_of(aim, missing)
    task = _task(source, aim, len(classes) if classes is not None else None)
    inputs = [column for column in rows.columns if column.name != target]
    if task == "classification":
        gate = class_gate(classes or aim.marks)
    else:
        # A mark of no value may be among them.
        texts = as_kind(rows.target.combine_chunks(), "number", rows.form).to_pandas()
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy()
        gate = number_gate(numbers[np.isfinite(numbers)])
    lines = [
        f"name = {quoted(name)}",
        f"task = {quoted(task)}",
        *_task_hint(aim, task, classes),
        "",
        "[data]",
        *source_lines(source, query, name),
        *format_lines(rows.form._replace(missing=missing or CsvFormat().missing)),
        f"target = {quoted(target)}",
        *_split(inputs, task),
        "",
        "[columns]",
        *(line for column in inputs for line in column_lines(column, missing)),
        *_checks(aim),
        "",
        "[search]",
        'candidates = ["linear", "gradient-boosting", "extra-trees", "mlp"]',
        "budget = 60",
        "budget_seconds = 25  # whichever ends first; the best is then fitted on all training rows",
        "",
        "[gates]",
        *gate,
        'beat = ["baseline"]  # and by the metric that decides; "linear" and "champion" can be asked for, too',
    ]
    return "\n".join(lines) + "\n"


def _read(source: str, target: str, query: str) -> Rows:
    form = format_of(source)
    # Which texts are marks of no value is told by the columns that they stand in.
    with open_table(source, form._replace(missing=("",)), query) as table:
        if target not in table.names:
            raise SourceError(
                f"{public(source)}: given target {target!r}; allowed: {', '.join(table.names)}"
            )
        written = any(part.written for part in table.parts)
        kind: Kind = "text" if written else "stored"
        targets: list[pa.Array] = []

        def noted(batch: pa.RecordBatch) -> pa.RecordBatch:
            if sum(map(len, targets)) < MOST_TARGETS:
                targets.append(batch.column(target))
            return batch

        batches = map(noted, table.batches(dict.fromkeys(table.names, kind)))
        columns = profile(table.names, batches, written, form)
    if not columns[0].rows:
        raise SourceError(f"{public(source)}: has no rows")
    texts = [as_kind(part, "text", form) for part in targets]
    return Rows(columns, form, pa.chunked_array(texts, pa.string()))


def _task(source: str, target: Column, different: int | None) -> Task:
    where = f"{public(source)}: the target {target.name!r}"
    if not target.present:
        raise SourceError(f"{where} has no value in any row")
    if different == 1:
        raise SourceError(
            f"{where} has the same value in every row, so that nothing is to be predicted"
        )
    few = different is not None and different <= MOST_CATEGORIES
    if target.form == "number" and not target.strange:
        few = target.is_whole and different is not None and different <= MOST_CLASSES
        return "classification" if few else "regression"
    if target.form == "timestamp" or not few:
        said = f"{different:,}" if different is not None else target.different
        raise SourceError(
            f"{where} is neither a number nor a class: it has {said} different texts;"
            f" a draft takes at most {MOST_CATEGORIES} classes"
        )
    return "classification"


def _task_hint(target: Column, task: Task, classes: Collection[str] | None) -> list[str]:
    different = len(classes or ())
    if target.form != "number" or target.strange or not 2 < different <= MOST_CATEGORIES:
        return []
    if task == "classification":
        return [
            f'# {different} whole numbers are taken for classes; for amounts, task = "regression".'
        ]
    if target.is_whole:
        return [
            f'# {different} whole numbers are taken for amounts; for classes, task = "classification".'
        ]
    return []


def _split(inputs: Sequence[Column], task: Task) -> list[str]:
    """Rows in the order of a time are split by it: tomorrow's rows are what a model answers for."""
    for column in inputs:
        several = column.values is None or len(column.values) > MOST_CLASSES
        if (
            column.form == "timestamp"
            and column.rises
            and several
            and column.present == column.rows
        ):
            return [
                'split = "time"  # the rows stand in its order',
                f"time = {quoted(column.name)}",
            ]
    return ['split = "stratified"'] if task == "classification" else []


def _checks(target: Column) -> list[str]:
    """Rows without truth are left out with a warning."""
    lacking = target.rows - target.present
    if not lacking:
        return []
    return [
        "",
        "[checks]",
        f'nulls = "warning"  # {lacking:,} rows have no target and are left out',
    ]
