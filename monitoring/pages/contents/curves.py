"""Quality and estimate of one metric over windows: the data of a chart, and the table that says the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from monitoring.findings.values import RELATION_CHANGED, Finding, WindowRecord
from monitoring.pages.words import metric_order, metric_title, stamp
from service.bundle.contract import Task

#: How the reason of an estimate begins that was made while the relation had changed.
CHANGED = RELATION_CHANGED.partition(":")[0]
Series = Sequence[tuple[WindowRecord, Finding]]


class Point(NamedTuple):
    """One window of a curve. `struck`: the relation had changed, so the estimate does not count."""

    record: WindowRecord
    quality: Finding | None = None
    estimate: Finding | None = None
    struck: bool = False
    #: What began with this window: "version 5", "release r12".
    marks: tuple[str, ...] = ()


class Curve(NamedTuple):
    metric: str
    title: str
    bound: float | None
    #: The oldest first.
    points: tuple[Point, ...]

    @property
    def data(self) -> dict[str, Any]:
        """What static/charts.js draws."""
        return {
            "x": [point.record.start.timestamp() for point in self.points],
            "series": [
                _series("Quality", "quality", [point.quality for point in self.points]),
                _series("Estimate", "estimate", [point.estimate for point in self.points])
                | {"struck": [point.struck for point in self.points]},
            ],
            "bound": self.bound,
            "marks": [
                {"x": point.record.start.timestamp(), "text": ", ".join(point.marks)}
                for point in self.points
                if point.marks
            ],
        }


def _series(label: str, name: str, findings: list[Finding | None]) -> dict[str, Any]:
    return {
        "label": label,
        "name": name,
        "value": [finding.value if finding else None for finding in findings],
        "low": [finding.low if finding else None for finding in findings],
        "high": [finding.high if finding else None for finding in findings],
        "raised": [finding is not None and finding.verdict == "raised" for finding in findings],
    }


def curves(series: Series, task: Task | None) -> list[Curve]:
    """One a metric, in training's order. `series` has the quality and estimate of one arm."""
    metrics = {finding.column for _, finding in series}
    return [_curve(metric, series) for metric in metric_order(task, metrics)]


def _curve(metric: str, series: Series) -> Curve:
    windows: dict[tuple[dt.datetime, str], dict[str, Any]] = {}
    bound = None
    for record, finding in series:
        if finding.column == metric:
            entry = windows.setdefault((record.start, record.version), {"record": record})
            entry[finding.kind] = finding
            bound = finding.bound if finding.bound is not None else bound
    points = [
        Point(**entry, struck=is_struck(entry.get("estimate")))
        for _, entry in sorted(windows.items(), key=lambda item: item[0])
    ]
    return Curve(metric, metric_title(metric), bound, tuple(_marked(points)))


def _marked(points: Iterable[Point]) -> Iterable[Point]:
    """The first window of each version and release says so; where a chart begins, nothing has changed yet."""
    before: WindowRecord | None = None
    for point in points:
        record, marks = point.record, []
        if before is not None and record.version != before.version:
            marks.append(f"version {record.version}")
        if before is not None and record.release != before.release and record.release:
            marks.append(f"release {record.release}")
        before = record
        yield point._replace(marks=tuple(marks))


def is_struck(estimate: Finding | None) -> bool:
    """Whether it was made while the relation had changed, and so does not count."""
    return estimate is not None and estimate.reason.startswith(CHANGED)


def window_address(record: WindowRecord) -> dict[str, str]:
    """The query by which a page is asked for this very window."""
    return {"version": record.version, "arm": record.arm, "window": stamp(record.start)}
