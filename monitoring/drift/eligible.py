"""Which columns can be judged at all, and why another cannot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitoring.window.values import Window
from service.bundle.contract import Part
from service.bundle.monitor_rules import JudgingRules
from service.bundle.reference import Reference

#: A part of the time repeats itself after so many days.
CYCLES: dict[str, tuple[str, float]] = {
    "hour": ("day", 1.0),
    "weekday": ("week", 7.0),
    "month": ("year", 365.0),
    "day-of-year": ("year", 365.0),
}
DAY = 86_400.0


def present_values(window: Window, part: Part) -> NDArray[np.float64]:
    """Without nulls."""
    values = part.values(window.matrix)
    return np.asarray(values[~np.isnan(values)], np.float64)


def why_not_judged(part: Part, window: Window, reference: Reference, rules: JudgingRules) -> str:
    """Empty where it can."""
    if part.column.sensitive:
        return "sensitive: its values are not kept"
    profile = reference.columns.get(part.name)
    if profile is None:
        return "no reference"
    if profile.rows == profile.nulls:
        return "no reference: it was missing in every row"
    present = len(present_values(window, part))
    if present == 0:
        return "every value is missing"
    if present < rules.least_rows:
        return "not enough rows"
    return "" if part.column.name in rules.floors else _runs_with_time(part, window)


def _runs_with_time(part: Part, window: Window) -> str:
    """A time differs from the reference's by its nature; a floor of the column's own has it judged in spite of that."""
    if not part.time:
        return ""
    if part.time == "days":
        return "a time: it moves on by itself; a floor of its own in [monitor] has it judged"
    cycle, days = CYCLES[part.time]
    length = (window.span.end - window.span.start).total_seconds() / DAY
    return "" if length >= days else f"a time: the window is shorter than its {cycle}"
