"""Windows, findings and alarms of two models as the monitor keeps them: of one inputs and relation moved."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from monitoring.findings.retrains import Retrains
from monitoring.findings.store import Store
from monitoring.findings.values import Alarm, Finding, Retrain, WindowRecord
from tests.support.monitoring import raise_alarm, record_of
from tests.support.monitoring.findings import distrusted, drift, metric
from tests.support.monitoring.verdicts import keep_experiment, shadow_of

QUIET, MOVED = "yield-prediction", "quality-classification"
HOUR = dt.timedelta(hours=1)
WINDOWS = 40
#: What people and callers might call things, to break out of a page.
HOSTILE = '<script>document.title="broken"</script>'
HOSTILE_ATTRIBUTE = '"><img src=x onerror="document.title=\'broken\'">'


def fill(store: Store, now: dt.datetime) -> None:
    """Forty hourly windows of each, up to two minutes ago."""
    end = now.replace(microsecond=0) - dt.timedelta(minutes=2)
    for place in range(WINDOWS):
        span = (end - (WINDOWS - place) * HOUR, end - (WINDOWS - place - 1) * HOUR)
        version = "4" if place < 18 else "5"
        store.save(record(QUIET, "7", *span), _quiet(place))
        store.save(record(MOVED, version, *span), _moved(place))
    for alarm in alarms(end):
        raise_alarm(store, alarm)
        if alarm.resolved_at is not None:
            store.resolve_alarm(alarm)
    keep_experiment(store, shadow_of(MOVED, end, HOSTILE))
    for request in retrains(end):
        Retrains(store.engine).take(MOVED, lambda _, new=request: new)  # type: ignore[misc]
    for name in (QUIET, MOVED):
        store.note_success(name, end + dt.timedelta(seconds=70))
    for source in ("journal", "findings", "references"):
        store.note_source(source, True, "", now - 30 * HOUR)
    store.note_source(
        "mlflow", False, "MLflow does not answer; findings go there when it does.", now - HOUR
    )


def record(
    model: str, version: str, start: dt.datetime, end: dt.datetime, rows: int = 4180
) -> WindowRecord:
    return record_of(
        start,
        end,
        model=model,
        version=version,
        rows=rows,
        sampled=min(rows, 2000),
        first=start + dt.timedelta(seconds=1),
        last=end - dt.timedelta(seconds=1),
        watermark=end + dt.timedelta(seconds=5),
        judged_at=end + dt.timedelta(seconds=70),
        traffic_share=0.95 if model == MOVED else None,
        release=f"2026.11.{version}-4eeeffc",
    )


def _quiet(place: int) -> list[Finding]:
    wave = math.sin(place / 3)
    return [
        drift("light", 0.03 + 0.01 * wave, shift=0.05),
        drift("temperature", 0.045 + 0.01 * wave, shift=0.1),
        Finding(kind="share", verdict="ok", value=0.0, bound=0.5, rows=4180),
        *metric("r2", 0.78 + 0.01 * wave, 0.775 + 0.008 * wave, 0.6),
        *metric("mae", 1.92 - 0.05 * wave, 1.95, None),
        Finding(kind="truth", column="share", verdict="ok", value=0.81, rows=4180),
        Finding(kind="truth", column="delay", verdict="ok", value=5400.0, rows=3386),
    ]


def _moved(place: int) -> list[Finding]:
    moved = max(0, place - 29)
    effect, accuracy = 0.04 + 0.05 * moved, 0.91 - 0.02 * moved + 0.004 * math.sin(place)
    return [
        drift("humidity", effect, shift=effect * 1.2),
        drift("temperature", 0.05, shift=0.1),
        drift("crop", 0.06 + 0.012 * moved, categories=("basil", "mint", "chive", HOSTILE)),
        drift(HOSTILE_ATTRIBUTE, 0.02, shift=0.0),
        Finding(
            kind="drift",
            column="farm",
            verdict="unknown",
            reason=f"not enough rows {HOSTILE}",
            rows=12,
        ),
        Finding(
            kind="missing", column="humidity", verdict="ok", value=0.012, bound=0.05, rows=4180
        ),
        Finding(
            kind="missing",
            column="temperature",
            verdict="raised",
            value=0.081,
            bound=0.05,
            rows=4180,
        ),
        drift("grade", 0.03 + 0.01 * moved, kind="prediction", categories=("A", "B", "C")),
        Finding(kind="share", verdict="ok", value=0.25, bound=0.5, rows=4180),
        Finding(
            kind="relation",
            verdict="raised" if moved else "ok",
            value=0.52 + 0.01 * moved,
            bound=0.6,
            rows=2000,
            details={
                "pairs": [{"first": "humidity", "second": HOSTILE, "before": 0.61, "now": 0.2}]
            },
        ),
        *distrusted(metric("f1", accuracy - 0.02, 0.89, 0.8), moved > 5),
        *distrusted(metric("accuracy", accuracy, 0.91 + 0.003 * math.cos(place), 0.8), moved > 5),
        *slices(accuracy),
        Finding(kind="truth", column="share", verdict="ok", value=0.62, rows=4180),
        Finding(kind="truth", column="delay", verdict="ok", value=9000.0, rows=2592),
        Finding(
            kind="trust",
            column="accuracy",
            verdict="raised" if moved > 3 else "ok",
            value=-0.8 * moved,
            bound=3.0,
            rows=2592,
        ),
        *causes(moved),
    ]


def slices(accuracy: float) -> list[Finding]:
    return [
        Finding(
            kind="slice",
            column=f"crop={crop}",
            verdict="raised" if value < 0.8 else "ok",
            value=value,
            low=value - 0.03,
            high=value + 0.03,
            bound=0.8,
            rows=rows,
            details={"metric": "accuracy"},
        )
        for crop, value, rows in (
            ("basil", accuracy + 0.02, 1210),
            ("mint", accuracy - 0.05, 980),
            (HOSTILE, accuracy, 402),
        )
    ]


def causes(moved: int) -> list[Finding]:
    if not moved:
        return []
    rows = [
        {"row": {"humidity": 91.2, "crop": HOSTILE}, "prediction": "B", "truth": "A"},
        {"row": {"humidity": 88.0, "crop": "mint"}, "prediction": "A", "truth": "C"},
    ]
    moved_far = {
        "of": "column",
        "kind": "drift",
        "effect": 0.1 * moved,
        "floor": 0.1,
        "importance": 0.31,
    }
    return [
        Finding(
            kind="cause",
            column="humidity",
            verdict="raised",
            value=0.31 * moved,
            rows=4180,
            details=moved_far,
        ),
        Finding(
            kind="cause",
            column=f"crop={HOSTILE}",
            verdict="raised",
            reason="12% of the rows; 4% of the reference's",
            value=0.08,
            rows=402,
            details={"of": "share", "share": 0.12, "expected": 0.04},
        ),
        Finding(kind="cause", verdict="ok", rows=2, details={"of": "rows", "rows": rows}),
    ]


def retrains(end: dt.datetime) -> list[Retrain]:
    """One that was started for the alarm of drift; one refused in its cool-down; one that waits."""

    def request(hours: int, outcome: Any, **more: Any) -> Retrain:
        at = end - hours * HOUR + dt.timedelta(seconds=130)
        settled = None if outcome == "waiting" else at + dt.timedelta(seconds=4)
        return Retrain(
            model=MOVED,
            version="5",
            delivery=str(hours),
            outcome=outcome,
            asked_at=at,
            settled_at=settled,
            **more,
        )

    place = f"https://jenkins.test/queue/item/7/{HOSTILE}"
    down = f"the retrain job cannot be reached: {HOSTILE}"
    cooling = "retraining was started at 2026-11-26 04:00:00 UTC; the next may begin later"
    return [
        request(6, "started", alerts="InputDrift", reason="", place=place, deliveries=3),
        request(5, "cool-down", alerts="RelationChanged", reason=cooling),
        request(2, "waiting", alerts="QualityBelowGate", reason=down, failures=1),
    ]


def alarms(end: dt.datetime) -> list[Alarm]:
    def alarm(kind: str, column: str, hours: int, reason: str, **more: Any) -> Alarm:
        return Alarm(
            model=MOVED,
            version=more.pop("version", "5"),
            arm="champion",
            kind=kind,
            column=column,
            raised_at=end - hours * HOUR + dt.timedelta(seconds=70),
            window_start=end - (hours + 1) * HOUR,
            reason=reason,
            **more,
        )

    return [
        alarm(
            "quality",
            "accuracy",
            2,
            "below its bound in 2 of 3 windows",
            value=0.79,
            evidence=metric("accuracy", 0.79, 0.9, 0.8)[0],
        ),
        alarm(
            "drift",
            "humidity",
            6,
            "raised in 2 of 3 windows",
            value=0.19,
            evidence=drift("humidity", 0.19),
        ),
        alarm(
            "trust",
            "accuracy",
            5,
            "quality is 3.2 deviations below the estimate in 2 of 3 windows",
            value=-3.2,
        ),
        alarm(
            "drift",
            "crop",
            30,
            f"raised in 2 of 3 windows {HOSTILE}",
            value=0.12,
            version="4",
            resolved_at=end - 26 * HOUR,
            evidence=drift("crop", 0.12),
        ),
    ]
