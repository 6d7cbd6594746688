"""One look's judgement of one experiment, of what the journal and the service counted, and of the look before."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from monitoring.experiment import checks, comparisons
from monitoring.experiment.comparisons import Quality
from monitoring.experiment.evidence.reading import Journalled, Pair
from monitoring.experiment.statistics import rare_events
from monitoring.experiment.statistics.rare_events import RATIOS, Counts
from monitoring.experiment.values import (
    ERRORS_LEVEL,
    QUALITY_LEVEL,
    SLOW_LEVEL,
    Check,
    Comparison,
    Disagreement,
    Experiment,
    Stage,
    Verdict,
)
from monitoring.experiment.verdict import Decision, decide, keep

#: Why there is nothing to compare.
NOT_ASKED = "no prediction of the challenger is journalled yet; `make traffic` has it asked"
SHADOW_IS_NOT_SLOW = "a shadow's time is no caller's: nobody waits for it, and it reads no request"


class Memory(Struct, kw_only=True):
    """What a look leaves to the next."""

    stages: list[Stage]
    #: What each replica counted, as counters.py has it.
    replicas: dict[str, list[float]] = {}
    #: Requests and failures so far, as `Counts`, and the sum of what all stretches of time add.
    requests: list[float] = field(default_factory=lambda: [0.0] * len(Counts._fields))
    factors: list[float] = field(default_factory=lambda: [0.0] * len(RATIOS))
    #: Of each boundary, fixed at the first look that counts.
    tunings: dict[str, float] = {}
    verdict: Verdict = "undecided"
    reason: str = ""
    decided_at: dt.datetime | None = None

    def add_requests(self, counts: Counts) -> None:
        self.requests = np.add(self.requests, counts).tolist()
        self.factors = np.add(self.factors, rare_events.log_factors(counts)).tolist()


class Material(NamedTuple):
    """What is judged."""

    pair: Pair
    #: The challenger's now.
    share: float | None
    journalled: Journalled
    disagreement: Disagreement | None
    #: By how much quality may differ and is as good.
    margin: float
    now: dt.datetime
    complete_to: dt.datetime


def judge(material: Material, memory: Memory) -> Experiment:
    """`memory` has the look's requests by now, and is changed to what the next one needs."""
    journalled = material.journalled
    errors = comparisons.compare_events(
        "errors", Counts(*memory.requests), np.array(memory.factors), ERRORS_LEVEL
    )
    slow = _compare_slow(journalled)
    quality = _compare_quality(journalled, material.margin, memory.tunings)
    check_results = _check(journalled, memory.tunings)
    fails = "worse" in (errors.verdict, slow.verdict)
    former = Decision(memory.verdict, memory.reason)
    decision = keep(former, decide(errors, slow, quality, check_results), fails)
    if decision.verdict != former.verdict:
        memory.decided_at = material.now
    memory.verdict, memory.reason = decision
    return Experiment(
        **material.pair._asdict(),
        kind=journalled.kind,
        started_at=memory.stages[0].start,
        judged_at=material.now,
        complete_to=material.complete_to,
        verdict=decision.verdict,
        decided_at=memory.decided_at,
        reason=decision.reason,
        stop=decision.verdict == "worse",
        share=material.share,
        stages=memory.stages,
        part=journalled.part,
        errors=errors,
        slow=slow,
        quality=quality,
        checks=check_results,
        disagreement=material.disagreement,
    )


def _compare_slow(journalled: Journalled) -> Comparison:
    if journalled.kind == "shadow":
        return Comparison(metric="slow", level=SLOW_LEVEL, reason=SHADOW_IS_NOT_SLOW)
    stretches = journalled.split.served()
    totals = Counts(*np.sum(stretches, axis=0).tolist()) if stretches else Counts(0, 0, 0, 0)
    factors = sum(map(rare_events.log_factors, stretches), np.zeros(len(RATIOS)))
    return comparisons.compare_events("slow", totals, factors, SLOW_LEVEL)


def _compare_quality(
    journalled: Journalled, margin: float, tunings: dict[str, float]
) -> Comparison:
    key = f"quality-{journalled.kind}"
    quality = _quality(journalled, margin, tunings.get(key))
    if quality.tuning is not None:
        tunings[key] = quality.tuning
    return quality.comparison


def _quality(journalled: Journalled, margin: float, tuning: float | None) -> Quality:
    if journalled.kind == "none":
        nothing = Comparison(metric="quality", level=QUALITY_LEVEL, reason=NOT_ASKED)
        return Quality(nothing, tuning)
    if journalled.kind == "split":
        split = journalled.split
        return comparisons.compare_quality(split.losses(), split.is_class, margin, tuning)
    shadow = journalled.shadow
    losses, wins = (
        (shadow.total(f"champion_{what}"), shadow.total(f"challenger_{what}"))
        for what in ("loss", "wins")
    )
    return comparisons.compare_pairs(shadow.pairs(), losses, wins, shadow.is_class, margin, tuning)


def _check(journalled: Journalled, tunings: dict[str, float]) -> list[Check]:
    """None of a shadow: both arms have the same requests, and one truth."""
    if journalled.kind != "split":
        return []
    arrival = checks.check_truth_arrival(journalled.split.arrivals(), tunings.get("truth"))
    if arrival.tuning is not None:
        tunings["truth"] = arrival.tuning
    return [checks.check_sample_ratio(journalled.split.assigned()), arrival.check]
