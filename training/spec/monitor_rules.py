"""The rules of `[monitor]`: windows and horizons that can be read, and columns that are watched at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import available_timezones

from service.bundle.lengths import parse_horizon, parse_window
from training.spec.values import Spec


def monitor_problems(spec: Spec) -> Iterator[str]:
    rules = spec.monitor
    yield from _length_problems(spec)
    if rules.alarm_windows > rules.of_windows:
        yield (
            f"monitor.alarm_windows: given {rules.alarm_windows}; allowed: at most of_windows, {rules.of_windows}"
        )
    if rules.time_zone not in available_timezones():
        yield (
            f"monitor.time_zone: given {rules.time_zone!r}; allowed: a name such as 'UTC' or 'Europe/Berlin'"
        )
    watched = [column.name for column in spec.inputs if not column.sensitive]
    outputs = [output.name for output in spec.contract().outputs]
    if spec.task == "classification":
        # Of the predicted class.
        outputs.append("probability")
    for name in rules.floors:
        if name not in (*watched, *outputs):
            allowed = ", ".join([*watched, *outputs])
            yield f"monitor.floors: given {name!r}; allowed, as columns that are not sensitive: {allowed}"
    for name in rules.slices or ():
        if name not in watched:
            yield f"monitor.slices: given {name!r}; allowed, as columns that are not sensitive: {', '.join(watched)}"


def _length_problems(spec: Spec) -> Iterator[str]:
    rules = spec.monitor
    window = or_nothing(parse_window, rules.window)
    if window is None:
        yield (
            f"monitor.window: given {rules.window!r}; allowed: '1m' to '31d' (minutes, hours, days), or '500 rows'"
        )
    if isinstance(window, int) and window < rules.least_rows:
        yield (
            f"monitor.window: given {rules.window!r}; allowed: no fewer rows than least_rows, {rules.least_rows},"
            " or no window is ever judged"
        )
    if or_nothing(parse_horizon, rules.truth_horizon) is None:
        yield (
            f"monitor.truth_horizon: given {rules.truth_horizon!r}; allowed: '1m' to '366d' (minutes, hours, days)"
        )


def or_nothing(parse: Callable[[str], Any], text: str) -> Any:
    """What a text says, or None where it cannot be read."""
    try:
        return parse(text)
    except ValueError:
        return None
