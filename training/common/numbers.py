"""Numbers and counts as people read them."""

from __future__ import annotations

import math


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
