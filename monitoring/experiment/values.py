"""What is said of an experiment: its JSON, which pages, commands and scripts read."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

#: `worse` stops the challenger, `better` may be promoted, `as good` may be if there is another reason for it.
Verdict = Literal["worse", "better", "as good", "undecided"]
#: How the challenger is asked: it answers a share of the callers, or predicts beside the champion.
Kind = Literal["split", "shadow", "none"]
#: The chances of a wrong verdict that each of the three may have; together 5 %.
ERRORS_LEVEL, SLOW_LEVEL, QUALITY_LEVEL = 0.01, 0.01, 0.03
#: Of each check, to find fault with an experiment that has none.
CHECK_LEVEL = 0.001


class Stage(Struct, frozen=True):
    """A stretch of time with one share of requests for the challenger; None where it changes or nobody said."""

    start: dt.datetime
    share: float | None


class Side(Struct, frozen=True, kw_only=True):
    """One arm in one comparison. `units` are subjects, or requests that came without one."""

    value: float | None = None
    rows: int = 0
    units: int = 0
    events: int | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """The arms in one respect. `reason` says why there is no verdict, or what it is."""

    metric: str
    verdict: Verdict = "undecided"
    reason: str = ""
    level: float
    champion: Side = Side()
    challenger: Side = Side()
    #: Challenger less champion, with the interval that holds at every look.
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    greater_is_better: bool = False
    #: Of an exact test: how many times likelier the counts are if the arms differ; a verdict from 1 / `level`.
    evidence: float | None = None
    #: By how much the arms may differ and are as good as each other.
    margin: float | None = None
    #: With truth, until there is probably a verdict if the difference stays as it is.
    more_rows: int | None = None


class Check(Struct, frozen=True, kw_only=True):
    """What has to hold for quality to be compared at all; `ok` is None where it cannot be known."""

    name: Literal["sample-ratio", "truth-arrival"]
    ok: bool | None = None
    reason: str = ""
    expected: float | None = None
    observed: float | None = None


class Disagreement(Struct, frozen=True, kw_only=True):
    """Of a shadow: how often the arms answer differently, and where."""

    rows: int
    #: Of classes the share of rows with another one, of numbers the mean distance.
    value: float | None
    #: Each with `where`, `rows`, `value` and, where truth is in, `champion_right` and `challenger_right`.
    places: list[dict[str, Any]] = []


class Experiment(Struct, frozen=True, kw_only=True):
    """All of it. `stop` is what a ramp obeys: the challenger's share goes to 0 at once."""

    model: str
    champion: str
    challenger: str
    kind: Kind
    started_at: dt.datetime
    judged_at: dt.datetime
    #: Up to here the journal was read; errors are counted up to `judged_at`.
    complete_to: dt.datetime
    #: When it ended: another pair is served now, or no challenger.
    ended_at: dt.datetime | None = None
    verdict: Verdict
    decided_at: dt.datetime | None = None
    reason: str
    stop: bool
    #: Of requests for the challenger now, as the traffic says.
    share: float | None = None
    stages: list[Stage] = []
    #: Of the units that were read; below 1 where there are too many.
    part: float = 1.0
    errors: Comparison
    slow: Comparison
    quality: Comparison
    checks: list[Check] = []
    disagreement: Disagreement | None = None
