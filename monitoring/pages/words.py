"""Numbers, times and verdicts as the pages say them. Rounded like a model card's (training/common/numbers.py)."""

from __future__ import annotations

import datetime as dt
import math
from typing import NamedTuple

from service.bundle.contract import Task
from training.metrics.tasks import METRICS

NOTHING = "–"
MINUTE, HOUR, DAY = 60, 3600, 86400


class Mood(NamedTuple):
    """A state in colour, sign and word: colour never stands alone."""

    name: str
    sign: str
    word: str


OK = Mood("good", "✓", "ok")
RAISED = Mood("bad", "▲", "raised")
UNKNOWN = Mood("neutral", "?", "unknown")
MOODS = {"ok": OK, "raised": RAISED, "unknown": UNKNOWN}
#: Of an experiment's verdicts; each is said by its own word.
VERDICTS = {"better": OK, "as good": OK, "worse": RAISED, "undecided": UNKNOWN}


def number(value: float | None, digits: int = 3) -> str:
    """So many digits that matter, thousands apart: 1,234 or 0.970."""
    # Details were perhaps written by a monitor of another release: what they lack is not known.
    if not isinstance(value, int | float) or not math.isfinite(value):
        return NOTHING
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.1e}"


def percent(share: float | None) -> str:
    """A share; below one in a hundred with its first digit that matters."""
    if not isinstance(share, int | float) or not math.isfinite(share):
        return NOTHING
    return f"{100 * share:.0f}%" if share == 0 or share >= 0.1 else f"{100 * share:.2g}%"


def time(moment: dt.datetime | None) -> str:
    """To the second, in UTC; to the minute where there are none."""
    if moment is None:
        return NOTHING
    utc = moment.astimezone(dt.UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}" if utc.second else f"{utc:%Y-%m-%d %H:%M}"


def span(start: dt.datetime, end: dt.datetime) -> str:
    """The day once where both are on it."""
    first, last = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    if first.date() == last.date():
        return f"{time(start)} to {time(end).partition(' ')[2]}"
    return f"{time(start)} to {time(end)}"


def age(seconds: float) -> str:
    """How long ago, in the largest unit of which there are at least two. static/live.js says it alike."""
    if seconds < 0:
        return f"{duration(-seconds)} ahead"
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def stamp(moment: dt.datetime) -> str:
    """As it stands in an address and in `datetime`: 2026-01-31T08:00:00Z, with microseconds where it has some."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def metric_title(name: str) -> str:
    """By the name of a metric of training, whichever task it is of."""
    metrics = (metric for task in METRICS.values() for metric in task)
    return next((metric.title for metric in metrics if metric.name == name), name)


def metric_order(task: Task | None, names: set[str]) -> list[str]:
    """As training lists them, the unknown at the end by name."""
    tasks = [METRICS[task]] if task else list(METRICS.values())
    order = [entry.name for metrics in tasks for entry in metrics]
    return sorted(names, key=lambda name: (order.index(name) if name in order else 99, name))
