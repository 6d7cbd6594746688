"""Specs as they are read of TOML, good but for what a test changes, and how they are refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from training.common.errors import SpecError
from training.spec import load

GOOD: dict[str, Any] = {
    "name": "plants",
    "task": "classification",
    "data": {"source": "plants.csv", "target": "grade"},
    "columns": {"light": {"type": "number", "minimum": 0, "maximum": 10}},
    "search": {"candidates": ["linear"]},
}
RECIPE: dict[str, Any] = {
    "name": "plants",
    "task": "optimization",
    "columns": {"price": {"type": "number", "minimum": 0, "maximum": 1}},
    "search": {"candidates": ["linear"]},
    "objective": {"model": "yield", "value": 1.0},
    "recipe": {"light": {"minimum": 0, "maximum": 10, "times": ["price"]}},
}


def changed(path: str, value: Any, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """A raw spec, the good one unless said, in which the key at `path` is `value`."""
    raw = copy.deepcopy(base or GOOD)
    table = raw
    *sections, last = path.split("/")
    for section in sections:
        table = table.setdefault(section, {})
    table[last] = value
    return raw


def refusals(raw: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as refused:
        load.parse(raw, "plants.toml", "plants")
    return str(refused.value)
