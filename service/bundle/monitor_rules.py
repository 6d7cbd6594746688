"""`monitor.json` beside a bundle: how its windows are judged, as `[monitor]` and `[gates]` of the spec say.

The manifest does not vouch for it: `make export` writes it anew, so that another floor needs no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from service.bundle.manifest import decode_file

MONITOR_RULES = "monitor.json"
#: Where the version's run in MLflow has them as they were last exported.
RULES_ARTIFACT = f"monitor/{MONITOR_RULES}"
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(gt=0)]
#: No number in JSON is infinite, and a floor that nothing reaches is a column that nobody watches.
Floor = Annotated[float, Meta(gt=0, le=1000)]


class Bound(Struct, frozen=True):
    min: float | None = None
    max: float | None = None


class JudgingRules(Struct, frozen=True, kw_only=True):
    """An effect counts from `floor`, or a column's own in `floors`; a share of missing values by `missing_floor`.

    That of values which are none of their column's categories by `other_floor`.
    """

    #: "1m" to "31d", or "500 rows".
    window: str = "1d"
    floor: Floor = 0.1
    #: By column or output.
    floors: dict[str, Floor] = {}
    missing_floor: Share = 0.05
    other_floor: Share = 0.05
    #: The level of the tests that guard small windows, over all columns of a window together. Of windows of 200 rows
    #: without drift 9 % have a raised column at 0.1; two of three windows are an alarm in 0.5 %.
    q: Annotated[float, Meta(gt=0, lt=1)] = 0.1
    #: An alarm is raised when `alarm_windows` of the last `of_windows` raised it, resolved after `of_windows` without.
    alarm_windows: Positive = 2
    of_windows: Positive = 3
    #: Below so many rows a window is not judged.
    least_rows: Positive = 100
    #: The share of the columns that have to drift for an alarm of the whole data.
    drift_share: Share = 0.5
    #: By how much a challenger may differ from its champion and is as good: points of accuracy, or a share of the
    #: champion's mean absolute error.
    experiment_margin: Annotated[float, Meta(gt=0, le=1)] = 0.01
    #: Of the calendar's buckets and the pages: a name such as "Europe/Berlin".
    time_zone: str = "UTC"
    #: How long truth may take to come, such as "30d": so long windows are judged again.
    truth_horizon: str = "31d"

    def floor_of(self, column: str) -> float:
        return self.floors.get(column, self.floor)


class MonitorRules(JudgingRules, frozen=True, kw_only=True):
    """All rules of a model."""

    #: Columns by which quality is told apart.
    slices: tuple[str, ...] = ()
    #: By metric: the gates, below or above which an estimate or a quality alarms.
    bounds: dict[str, Bound] = {}
    #: By metric: the gates of each slice.
    slice_bounds: dict[str, Bound] = {}


def read_monitor_rules(folder: Path) -> MonitorRules:
    """The defaults where there is none: a bundle from before, or of a spec without `[monitor]`."""
    if not (folder / MONITOR_RULES).is_file():
        return MonitorRules()
    return decode_file(folder / MONITOR_RULES, MonitorRules)
