"""The verb `draft`: a first spec for a data file, to be read and corrected by somebody who knows the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.data import read_file
from training.errors import SourceError

MOST_CATEGORIES = 30
#: How far beyond the values seen a drafted range reaches, as a share of their span.
MARGIN = 0.25


def draft_spec(path: Path, target: str, name: str) -> str:
    """A spec as TOML: types, ranges and categories as they are in the file, gates left low."""
    frame = read_file(path, [])
    if target not in frame.columns:
        raise SourceError(
            f"{path}: given target {target!r}; allowed: {', '.join(map(str, frame.columns))}"
        )
    values = frame[target].dropna()
    task = "classification" if _is_class(values) else "regression"
    columns = [
        line
        for column in frame.columns
        if column != target
        for line in _column(str(column), frame[column])
    ]
    gate = "accuracy = { min = 0.5 }" if task == "classification" else "r2 = { min = 0.1 }"
    lines = [
        f"name = {_quoted(name or path.stem.lower().replace('_', '-'))}",
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
    return "\n".join(lines)


def _is_class(values: pd.Series[Any]) -> bool:
    few = values.nunique() <= MOST_CATEGORIES
    return bool(
        not pd.api.types.is_float_dtype(values) and few
    ) or not pd.api.types.is_numeric_dtype(values)


def _column(name: str, values: pd.Series[Any]) -> list[str]:
    parts = _type(values)
    if not parts:
        return [
            f"# {_quoted(name)} left out: a text with {values.nunique()} different values is no category"
        ]
    if values.isna().any():
        parts.append("nullable = true")
    return [f"{_quoted(name)} = {{ {', '.join(parts)} }}"]


def _type(values: pd.Series[Any]) -> list[str]:
    known = values.dropna()
    if _are_booleans(known):
        return ['type = "boolean"']
    if pd.api.types.is_datetime64_any_dtype(known) or _are_times(known):
        return ['type = "timestamp"']
    if pd.api.types.is_numeric_dtype(known):
        return _number(known)
    if known.nunique() > MOST_CATEGORIES:
        return []
    categories = ", ".join(_quoted(str(value)) for value in sorted(known.unique()))
    return ['type = "category"', f"categories = [{categories}]"]


def _are_booleans(known: pd.Series[Any]) -> bool:
    """In a CSV with gaps, pandas leaves them as texts."""
    if pd.api.types.is_bool_dtype(known):
        return True
    return bool(len(known) and known.astype(str).str.lower().isin(["true", "false"]).all())


def _number(known: pd.Series[Any]) -> list[str]:
    """A range somewhat wider than what was seen; what was never negative stays so."""
    whole = bool((known == np.floor(known)).all())
    room = float(known.max() - known.min()) * MARGIN
    low, high = float(known.min()) - room, float(known.max()) + room
    low = max(low, 0.0) if known.min() >= 0 else low
    ends = (
        [f"{np.floor(low):.0f}", f"{np.ceil(high):.0f}"] if whole else [f"{low:.4g}", f"{high:.4g}"]
    )
    return [
        f'type = "{"integer" if whole else "number"}"',
        f"minimum = {ends[0]}",
        f"maximum = {ends[1]}",
    ]


def _are_times(known: pd.Series[Any]) -> bool:
    """Whether every text reads as an ISO 8601 date or time."""
    if known.empty or not known.map(lambda value: isinstance(value, str)).all():
        return False
    return bool(pd.to_datetime(known, errors="coerce", utc=True, format="ISO8601").notna().all())


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False)
