"""A first spec for a data file, to be read and corrected by somebody who knows the data."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.bundle.contract import EXACT_INTEGERS, FLOAT32_MAX
from tables.address import public
from tables.errors import TableError
from tables.frame import read_table
from training.common.errors import SourceError, SpecError
from training.common.files import write_whole
from training.spec.load import FOLDER, parse
from training.spec.values import NAME

MOST_CATEGORIES = 30
#: How far beyond the values seen a drafted range reaches, as a share of their span.
MARGIN = 0.25


def write_draft(source: str, target: str, name: str, folder: Path = FOLDER) -> Path:
    """Writes the spec of a model that has none yet; where anything is in the way, nothing is written."""
    if "://" in source:
        raise SourceError(
            f"{public(source)}: a draft is made from a file; allowed: .csv, .parquet;"
            " write the spec of a database's table by hand, with data.query"
        )
    path = folder / f"{_checked_name(name or _name_of(source))}.toml"
    if path.exists():
        raise SpecError(str(path), ["is there already; remove it, or give another name"])
    text = draft_spec(Path(source), target, path.stem)
    parse(tomllib.loads(text), str(path), path.stem)
    write_whole(path, text.encode())
    return path


def _name_of(source: str) -> str:
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


def draft_spec(path: Path, target: str, name: str) -> str:
    """A spec as TOML: types, ranges and categories as they are in the file, gates left low."""
    try:
        frame = read_table(str(path), None)
    except TableError as error:
        raise SourceError(str(error)) from error
    if target not in frame.columns:
        raise SourceError(
            f"{path}: given target {target!r}; allowed: {', '.join(map(str, frame.columns))}"
        )
    task = _task(path, target, frame[target].dropna())
    columns = [
        line
        for column in frame.columns
        if column != target
        for line in _column(str(column), frame[column])
    ]
    gate = "accuracy = { min = 0.5 }" if task == "classification" else "r2 = { min = 0.1 }"
    lines = [
        f"name = {_quoted(name)}",
        f"task = {_quoted(task)}",
        "",
        "[data]",
        f"source = {_quoted(str(path))}",
        f"target = {_quoted(target)}",
        *(['split = "stratified"'] if task == "classification" else []),
        "",
        "[columns]",
        *columns,
        "",
        "[search]",
        'candidates = ["linear", "random-forest", "mlp"]',
        "",
        "[gates]",
        f"metrics = {{ {gate} }}",
    ]
    return "\n".join(lines) + "\n"


def _task(path: Path, target: str, values: pd.Series[Any]) -> str:
    if values.empty:
        raise SourceError(f"{path}: the target {target!r} has no value in any row")
    numeric = pd.api.types.is_numeric_dtype(values)
    if not numeric and (different := _different(values)) > MOST_CATEGORIES:
        raise SourceError(
            f"{path}: the target {target!r} is neither a number nor a class: it has {different:.0f}"
            f" different texts; a draft takes at most {MOST_CATEGORIES} classes"
        )
    return "classification" if _is_class(values) else "regression"


def _different(values: pd.Series[Any]) -> float:
    """How many values differ; infinitely many where they are lists or tables, which cannot be compared."""
    try:
        return values.nunique()
    except TypeError:
        return math.inf


def _is_class(values: pd.Series[Any]) -> bool:
    few = values.nunique() <= MOST_CATEGORIES
    return bool(
        not pd.api.types.is_float_dtype(values) and few
    ) or not pd.api.types.is_numeric_dtype(values)


def _column(name: str, values: pd.Series[Any]) -> list[str]:
    if not values.notna().any():
        return [f"# {_quoted(name)} left out: it has no value in any row"]
    parts = _type(values)
    if not parts:
        return [
            f"# {_quoted(name)} left out: a text with {_different(values):.0f} different values is no category"
        ]
    if values.isna().any():
        parts.append("nullable = true")
    return [f"{_quoted(name)} = {{ {', '.join(parts)} }}"]


def _type(values: pd.Series[Any]) -> list[str]:
    present = values.dropna()
    if _are_booleans(present):
        return ['type = "boolean"']
    if pd.api.types.is_datetime64_any_dtype(present) or _are_times(present):
        return ['type = "timestamp"']
    if pd.api.types.is_numeric_dtype(present):
        return _number(present)
    if _different(present) > MOST_CATEGORIES:
        return []
    categories = ", ".join(_quoted(str(value)) for value in sorted(present.unique()))
    return ['type = "category"', f"categories = [{categories}]"]


def _are_booleans(present: pd.Series[Any]) -> bool:
    """In a CSV with gaps, pandas leaves them as texts."""
    if pd.api.types.is_bool_dtype(present):
        return True
    return bool(len(present) and present.astype(str).str.lower().isin(["true", "false"]).all())


def _number(present: pd.Series[Any]) -> list[str]:
    """A range somewhat wider than what was seen; what was never negative stays so."""
    seen = present.astype("float64")
    least, most = (
        float(np.clip(end, -FLOAT32_MAX, FLOAT32_MAX)) for end in (seen.min(), seen.max())
    )
    room = (most - least) * MARGIN
    low, high = least - room, most + room
    low = max(low, 0.0) if least >= 0 else low
    # A larger whole number has no exact place in a model's float32: an identifier, or something to measure.
    if (seen == np.floor(seen)).all() and max(abs(least), abs(most)) <= EXACT_INTEGERS:
        ends = [
            f"{max(np.floor(low), -EXACT_INTEGERS):.0f}",
            f"{min(np.ceil(high), EXACT_INTEGERS):.0f}",
        ]
        return ['type = "integer"', f"minimum = {ends[0]}", f"maximum = {ends[1]}"]
    low, high = (_rounded(end, room) for end in (low, high))
    return ['type = "number"', f"minimum = {low!r}", f"maximum = {high!r}"]


def _rounded(end: float, room: float) -> float:
    """As few digits as leave most of the room between the range's end and the values seen."""
    return round(end, 1 - math.floor(math.log10(room))) if room else end


def _are_times(present: pd.Series[Any]) -> bool:
    """Whether every text reads as an ISO 8601 date or time."""
    if present.empty or not present.map(lambda value: isinstance(value, str)).all():
        return False
    return bool(pd.to_datetime(present, errors="coerce", utc=True, format="ISO8601").notna().all())


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
