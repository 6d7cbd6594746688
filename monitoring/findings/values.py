"""One judged window, one finding in it, one alarm: the rows of the monitor's tables."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

#: `unknown` always has a reason, such as "not enough rows" or "no reference".
Verdict = Literal["ok", "raised", "unknown"]
Kind = Literal[
    "drift",  # of one feature: value is the effect, bound its floor, visible the least effect that could be seen
    "prediction",  # of one output, in the same way
    "missing",  # of one feature: by how much the share of nulls differs
    "other",  # of one feature: by how much the share of values differs that are none of its categories
    "share",  # raised columns of the judged ones
    "relation",  # AUC of a classifier that tells window from reference; details name the pairs that changed
    "estimate",  # of one metric, before the truth
    "quality",  # of one metric, by truth
    "slice",  # quality in a slice: column is "crop=basil", details["metric"] the metric
    "truth",  # column is "share" or "delay" (seconds, median)
    "trust",  # realised quality less estimate, in units of their joint deviation
    "cause",  # of a drop: one column, value its rank's score
]


#: Why an estimate is unknown that would otherwise count: here, so that pages need nothing of how it is made.
RELATION_CHANGED = "relation changed: where truth is in, it contradicts the estimate; inputs alone cannot show this"


class Finding(Struct, frozen=True, kw_only=True):
    """`column` is a feature, an output, a metric or a slice, by kind; empty where it is of the window as a whole."""

    kind: Kind
    column: str = ""
    verdict: Verdict
    reason: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    #: The least effect that this window could have raised.
    visible: float | None = None
    rows: int = 0
    #: For the page: histograms, shares, pairs, example rows (never of sensitive columns).
    details: dict[str, Any] = {}


class WindowRecord(Struct, frozen=True, kw_only=True):
    """What was judged, of what, when. Times are aware, in UTC; the span is half-open."""

    model: str
    version: str
    arm: str
    start: dt.datetime
    end: dt.datetime
    #: One that was predicted again counts once.
    rows: int
    sampled: int
    #: Those made again too: as the journal counts them by its index alone.
    predictions: int = 0
    first: dt.datetime | None
    last: dt.datetime | None
    #: Up to here the journal was complete when it was judged; before its end, rows may have been missing.
    watermark: dt.datetime
    seed: int
    judged_at: dt.datetime
    #: The share of requests that the arm was meant to get, where the traffic says so.
    traffic_share: float | None = None
    release: str = ""

    @property
    def lacking(self) -> str:
        """Says that rows may be missing, and from when on; empty where the journal was complete."""
        if self.watermark >= self.end:
            return ""
        return (
            "rows may be missing: a node's spool lags, and the journal is complete up to"
            f" {self.watermark:%Y-%m-%d %H:%M} UTC alone; the window is judged again when they come"
        )


class Alarm(Struct, frozen=True, kw_only=True):
    """Raised after N of M windows; `resolved_at` is None as long as it stands."""

    model: str
    version: str
    arm: str
    kind: str
    column: str
    raised_at: dt.datetime
    resolved_at: dt.datetime | None = None
    #: The window that raised it, by its start, and what was said then: later truth does not change it.
    window_start: dt.datetime
    reason: str
    value: float | None = None
    #: The finding as it was then.
    evidence: Finding | None = None


class JobRequest(Struct, frozen=True, kw_only=True):
    """What a job of Jenkins was asked for, and what became of it."""

    id: int = 0
    outcome: str
    #: In a sentence: why it was not started, or what Jenkins says.
    reason: str
    #: The address of the build or of the queue's item.
    place: str = ""
    asked_at: dt.datetime
    settled_at: dt.datetime | None = None
    next_at: dt.datetime | None = None
    #: Tries that Jenkins did not take.
    failures: int = 0


RetrainOutcome = Literal[
    "waiting",  # taken, and not started yet: Jenkins is asked again until it answers
    "started",
    "joined",  # a build that was queued or ran already is the retraining
    "cool-down",  # not started: one was, not long ago
    "refused",  # not started: the model is not served, or nothing is wrong with it
    "ended",  # not started: the alarm ended before Jenkins answered
]


class Retrain(JobRequest, frozen=True, kw_only=True):
    """Alerts of a model that asked for a retraining, and what became of it."""

    model: str
    #: The version that answered as champion then; empty where none did.
    version: str
    #: The names of the alerts, with commas between.
    alerts: str
    #: The same for the same alerts, delivered again.
    delivery: str
    outcome: RetrainOutcome
    #: How often these alerts were delivered.
    deliveries: int = 1


class Capacity(Struct, frozen=True, kw_only=True):
    """How many replicas of the model service the load of the last day needed."""

    measured_at: dt.datetime
    #: Cores that all replicas together used in the busiest five minutes, and that one of them may use.
    busiest: float
    cores: float
    ordered: int
    #: Within the bounds of the settings, and without them.
    needed: int
    unbounded: int


ScalingOutcome = Literal[
    "waiting",  # not started yet: Jenkins is asked again until it answers
    "started",
    "ended",  # not started: the load changed before Jenkins answered
]


class Scaling(JobRequest, frozen=True, kw_only=True):
    """A change of the number of replicas that the monitor asked Jenkins for, and what became of it."""

    #: From how many, and to how many.
    first: int
    last: int
    why: str
    outcome: ScalingOutcome = "waiting"
    reason: str = ""


class SourceState(Struct, frozen=True, kw_only=True):
    """Whether what the monitor needs answers: `journal`, `findings`, `references`, `clock`, `jenkins` and so on."""

    source: str
    up: bool
    #: When it last came up or went down.
    since: dt.datetime
    checked_at: dt.datetime
    #: Why it is down; of one that is up, what is not as it should be.
    reason: str = ""
    #: Of the clock, the seconds that it is ahead.
    value: float | None = None
