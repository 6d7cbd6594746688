"""What a ramp is asked to do: its steps, its deadlines, and after which verdict the challenger gets all callers."""

from __future__ import annotations

import re
from typing import NamedTuple

from outside.values import Allowed
from scripts.command.outcome import Refused

STEPS = Allowed(
    r"\d{1,2}(\.\d{1,4})?(,\d{1,2}(\.\d{1,4})?){0,19}",
    "rising numbers above 0 and below 100, as in 5,25,50",
)

#: After which verdicts each lets a challenger have all callers.
PROMOTE: dict[str, tuple[str, ...]] = {
    "better": ("better",),
    "as-good": ("better", "as good"),
    "never": (),
}
#: Of the challenger's requests, by its share in per cent: by then one that fails at 20 % is stopped in nine of ten
#: (docs/experiments.md, "How often it is wrong").
FEWEST, MOST = (5.0, 43), (50.0, 90)


class Plan(NamedTuple):
    """Steps in per cent of the requests, deadlines in seconds; `requests` in place of the table's."""

    model: str
    steps: tuple[float, ...]
    promote: str
    step_seconds: float
    verdict_seconds: float
    away_seconds: float
    by: str
    why: str
    requests: int | None = None

    def needed(self, percent: float) -> int:
        """How many requests the challenger has to answer at a step before the next."""
        return requests_needed(percent) if self.requests is None else self.requests


def steps_of(text: str) -> tuple[float, ...]:
    """Each above the one before; at 100 there would be no champion to compare with."""
    steps = tuple(map(float, text.split(","))) if re.fullmatch(STEPS.pattern, text) else (0.0,)
    is_rising = all(before < after for before, after in zip(steps, steps[1:]))
    if not is_rising or not steps[0]:
        raise Refused(f"STEPS is {text!r}; allowed are {STEPS.words}")
    return steps


def steps_from(steps: tuple[float, ...], share: float) -> tuple[float, ...]:
    """The steps that are left for a challenger which has a share already: that one first, so that it is looked at."""
    if not share:
        return steps
    return (share, *(step for step in steps if step > share))


def requests_needed(percent: float) -> int:
    """Between the two shares of the table along a straight line."""
    (low, fewest), (high, most) = FEWEST, MOST
    part = (min(max(percent, low), high) - low) / (high - low)
    return round(fewest + part * (most - fewest))
