"""What the first page shows of each model and arm: quality and estimate, then drift, traffic and alarms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from monitoring.findings.store import Arm, Store, answering
from monitoring.findings.values import Alarm, Finding, WindowRecord
from monitoring.pages.contents.curves import Series, is_struck
from monitoring.pages.contents.pictures import Sparkline, sparkline
from monitoring.pages.words import metric_order

#: Windows of a small curve.
RECENT = 30
COLUMN_KINDS = ("drift", "prediction")


class Reading(NamedTuple):
    """The newest value of the leading metric, and how it came there."""

    metric: str
    record: WindowRecord
    finding: Finding
    line: Sparkline | None
    struck: bool = False


class ArmState(NamedTuple):
    record: WindowRecord
    quality: Reading | None
    estimate: Reading | None
    alarms: tuple[Alarm, ...]
    #: Columns and outputs: judged, raised, and the one that moved most by its floor.
    judged: int
    raised: int
    worst: Finding | None
    #: Why nothing was judged, if so.
    unknown: str
    #: What Prometheus and the journal say now, as short sentences.
    live: tuple[str, ...] = ()
    newest: dt.datetime | None = None


def serving(arms: Iterable[Arm]) -> list[Arm]:
    """Those that answer, by model and arm."""
    return sorted(answering(arms), key=lambda arm: (arm.model, arm.arm))


def states(store: Store, arms: Iterable[Arm], standing: Sequence[Alarm]) -> Iterator[ArmState]:
    for arm in arms:
        newest = store.windows(*arm, limit=1)
        if newest:
            yield _state(store, arm, newest[0], standing)


def _state(store: Store, arm: Arm, record: WindowRecord, standing: Sequence[Alarm]) -> ArmState:
    columns = [
        finding
        for _, finding in store.series(
            arm.model, COLUMN_KINDS, version=arm.version, arm=arm.arm, limit=1
        )
    ]
    kinds = ("quality", "estimate")
    series = store.series(arm.model, kinds, arm=arm.arm, limit=RECENT)
    judged = [finding for finding in columns if finding.verdict != "unknown"]
    own = tuple(alarm for alarm in standing if (alarm.model, alarm.version, alarm.arm) == arm)
    return ArmState(
        record=record,
        quality=_reading("quality", series),
        estimate=_reading("estimate", series),
        alarms=own,
        judged=len(judged),
        raised=sum(finding.verdict == "raised" for finding in judged),
        worst=max(judged, key=_over_floor, default=None),
        unknown=next((finding.reason for finding in columns if finding.reason), ""),
    )


def _over_floor(finding: Finding) -> float:
    return (finding.value or 0.0) / (finding.bound or 1.0)


def _reading(kind: str, series: Series) -> Reading | None:
    """The newest of the leading metric: of a quality, the newest that has a value, for truth comes late."""
    own = [(record, finding) for record, finding in series if finding.kind == kind]
    metric = leading([finding for _, finding in own])
    of_metric = [(record, finding) for record, finding in own if finding.column == metric]
    if kind == "quality":
        of_metric = [pair for pair in of_metric if pair[1].value is not None]
    if not of_metric:
        return None
    values = [None if is_struck(finding) else finding.value for _, finding in of_metric]
    record, newest = of_metric[-1]
    return Reading(metric, record, newest, sparkline(values, newest.bound), is_struck(newest))


def leading(findings: Sequence[Finding]) -> str:
    """The first metric, in training's order, that has a bound; else the first of all."""
    bounded = {finding.column for finding in findings if finding.bound is not None}
    names = bounded or {finding.column for finding in findings}
    return metric_order(None, names)[0] if names else ""
