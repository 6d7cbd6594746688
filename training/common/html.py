"""The pages that people look at: one self-contained file each, with escaping on."""

from __future__ import annotations

import math
from typing import Any

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("training", "."),
    # Everything is escaped, the XML too: names and values in it come from specs and data.
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def number(value: float | None, digits: int = 3) -> str:
    """So many digits that matter, thousands apart: 1,234 or 0.970."""
    if value is None or not math.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.1e}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


_ENVIRONMENT.filters.update(number=number, plural=plural)


def render(template: str, **values: Any) -> str:
    return _ENVIRONMENT.get_template(template).render(**values)
