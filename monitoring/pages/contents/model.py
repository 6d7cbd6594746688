"""What the page of one model shows: one window in full, and how quality, estimate and drift came there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from monitoring.findings.store import Arm, Store
from monitoring.findings.values import Alarm, Finding, WindowRecord
from monitoring.pages.access import NoSuchPage
from monitoring.pages.contents.curves import Curve, curves, is_struck
from monitoring.pages.contents.overview import COLUMN_KINDS
from monitoring.pages.contents.pictures import Histogram, Sparkline, histogram, sparkline
from monitoring.pages.words import metric_order
from service.bundle.contract import Task

#: How many windows a page may be asked for; the first unless it says.
LIMITS = (60, 200, 1000)
SPARKLINE_WINDOWS = 30
#: Further back than so many windows of an arm nothing is looked up.
FURTHEST = 50_000


class ColumnLine(NamedTuple):
    """A feature or an output in the table of drift."""

    name: str
    finding: Finding
    missing: Finding | None
    #: The share of values that are none of its categories.
    other: Finding | None
    picture: Histogram | None
    line: Sparkline | None
    alarm: Alarm | None


class MetricLine(NamedTuple):
    name: str
    quality: Finding | None
    estimate: Finding | None
    struck: bool
    bound: float | None


class Examples(NamedTuple):
    """Rows of the window to look at."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def page(
    store: Store, model: str, asked: Arm, start: dt.datetime | None, limit: int, task: Task | None
) -> dict[str, Any]:
    """All that templates/model.html shows. NoSuchPage where there is no such window."""
    record = _record(store, asked, start)
    windows = store.windows(model, arm=record.arm, limit=limit)
    findings = store.findings(model, record.version, record.arm, record.start)
    alarms = store.alarms(model, version=record.version, arm=record.arm)
    standing = [alarm for alarm in alarms if alarm.resolved_at is None]
    series = store.series(model, ("quality", "estimate"), arm=record.arm, limit=limit)
    metrics = _metric_lines(findings, task)
    lines = _column_lines(store, record, findings, standing)
    shown: dict[str, Any] = {
        "record": record,
        "shown": Arm(model, record.version, record.arm),
        "is_newest": not any(
            window.version == record.version and window.start > record.start for window in windows
        ),
        "windows": windows,
        "limit": limit,
        "limits": LIMITS,
        "standing": standing,
        "distrusted": any(line.struck for line in metrics)
        or any(alarm.kind == "trust" for alarm in standing),
        "curves": _drawable(curves(series, task)),
        "metrics": metrics,
    }
    return shown | _of_drift(lines) | _of_the_rest(findings)


def _record(store: Store, asked: Arm, start: dt.datetime | None) -> WindowRecord:
    windows = store.windows(*asked, since=start, limit=1 if start is None else FURTHEST)
    if not windows or start not in (None, windows[-1].start):
        raise NoSuchPage(
            "There is no such window: it was not judged, or is older than windows are kept."
        )
    return windows[0] if start is None else windows[-1]


def _drawable(lines: Iterable[Curve]) -> list[Curve]:
    """Those with at least one value: a metric that is never known is said in the table above."""
    return [
        line
        for line in lines
        if any(side and side.value is not None for point in line.points for side in point[1:3])
    ]


def _column_lines(
    store: Store, record: WindowRecord, findings: Sequence[Finding], standing: Sequence[Alarm]
) -> list[ColumnLine]:
    """Raised ones first, then by how far they moved over their floor."""
    by_subject = {(finding.kind, finding.column): finding for finding in findings}
    alarms = {(alarm.kind, alarm.column): alarm for alarm in standing}
    history: dict[tuple[str, str], list[float | None]] = {}
    for earlier, finding in store.series(
        record.model, COLUMN_KINDS, version=record.version, arm=record.arm, limit=SPARKLINE_WINDOWS
    ):
        if earlier.start <= record.start:
            history.setdefault((finding.kind, finding.column), []).append(finding.value)
    lines = []
    for finding in findings:
        if finding.kind in COLUMN_KINDS:
            missing = by_subject.get(("missing", finding.column))
            other = by_subject.get(("other", finding.column))
            if finding.kind != "drift":
                missing = other = None
            subjects = [(each.kind, each.column) for each in (finding, missing, other) if each]
            lines.append(
                ColumnLine(
                    finding.column,
                    finding,
                    missing,
                    other,
                    histogram(finding),
                    sparkline(history.get(subjects[0], []), finding.bound),
                    next((alarms[subject] for subject in subjects if subject in alarms), None),
                )
            )
    return sorted(lines, key=_place)


def _place(line: ColumnLine) -> tuple[int, float, str]:
    order = ("raised", "ok", "unknown").index(line.finding.verdict)
    return order, -(line.finding.value or 0.0) / (line.finding.bound or 1.0), line.name


def _of_drift(lines: Sequence[ColumnLine]) -> dict[str, Any]:
    judged = [line for line in lines if line.finding.verdict != "unknown"]
    return {
        "columns": [line for line in lines if line.finding.kind == "drift"],
        "outputs": [line for line in lines if line.finding.kind == "prediction"],
        "judged": len(judged),
        "raised_columns": sum(line.finding.verdict == "raised" for line in judged),
        "unjudged": next((line.finding.reason for line in lines if line.finding.reason), ""),
        "reference_note": _note(lines),
    }


def _note(lines: Iterable[ColumnLine]) -> str:
    """What was compared with: all rows of the reference, or those of the window's season."""
    for line in lines:
        words = line.finding.details.get("reference")
        if not isinstance(words, dict):
            continue
        if words.get("of") == "season":
            buckets = ", ".join(words.get("buckets", ()))
            return (
                f"Columns that move with the {words.get('calendar')} are compared with {buckets}."
            )
        if words.get("why"):
            return f"Compared with all rows of the reference: {words['why']}."
    return ""


def _metric_lines(findings: Sequence[Finding], task: Task | None) -> list[MetricLine]:
    sides = {
        (finding.kind, finding.column): finding
        for finding in findings
        if finding.kind in ("quality", "estimate")
    }
    lines = []
    for name in metric_order(task, {column for _, column in sides}):
        quality, estimate = sides.get(("quality", name)), sides.get(("estimate", name))
        bounds = [side.bound for side in (quality, estimate) if side and side.bound is not None]
        struck = is_struck(estimate)
        lines.append(MetricLine(name, quality, estimate, struck, bounds[0] if bounds else None))
    return lines


def _of_the_rest(findings: Sequence[Finding]) -> dict[str, Any]:
    def first(kind: str, column: str | None = None) -> Finding | None:
        return next(
            (
                finding
                for finding in findings
                if finding.kind == kind and column in (None, finding.column)
            ),
            None,
        )

    relation = first("relation")
    causes = [finding for finding in findings if finding.kind == "cause"]
    return {
        "share": first("share"),
        "trust": [
            finding for finding in findings if finding.kind == "trust" and finding.value is not None
        ],
        "truth_share": first("truth", "share"),
        "truth_delay": first("truth", "delay"),
        "selection": first("truth", "selection"),
        "relation": relation,
        "pairs": relation.details.get("pairs", []) if relation else [],
        "causes": [cause for cause in causes if cause.details.get("of") != "rows"],
        "examples": next(filter(None, map(_examples, causes)), None),
        "slices": [finding for finding in findings if finding.kind == "slice"],
    }


def _examples(cause: Finding) -> Examples | None:
    """As monitoring/attribution gives them: each a row with its prediction, and its truth where that is in."""
    rows = [row for row in cause.details.get("rows", []) if isinstance(row.get("row"), dict)]
    if not rows:
        return None
    answers = [name for name in ("prediction", "truth") if name in rows[0]]
    columns = [*answers, *rows[0]["row"]]
    cells = [{**row["row"], **{name: row[name] for name in answers}} for row in rows]
    return Examples(
        tuple(columns), tuple(tuple(row.get(name) for name in columns) for row in cells)
    )
