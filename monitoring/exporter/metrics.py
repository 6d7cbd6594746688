"""`Exporter`: the monitor's numbers as Prometheus reads them, made of the database of findings at each scrape.

Where that is away, the last numbers stand, so that `last_success` ages; the sources say what is down.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.experiment.values import Verdict
from monitoring.exporter.snapshot import ArmState, Snapshot, take_snapshot
from monitoring.findings import Alarm, Finding, FindingsUnavailable, Store
from monitoring.judge.alarms import KINDS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "swarmline_monitor_"
ARM = ("model", "version", "arm")
#: By the values of its labels, each number of a metric.
Samples = Mapping[Any, float | None]
#: Two scrapes within so many seconds are answered by the same look at the database.
FRESH_SECONDS = 5.0


class Exporter(Collector):
    """Safe between threads. `interval` is how often the monitor looks, in seconds."""

    def __init__(self, store: Store, interval: float):
        self._store, self._interval = store, interval
        self._lock = threading.Lock()
        self._snapshot, self._taken = Snapshot(), -FRESH_SECONDS
        self._findings_up = False

    def scrape(self) -> bytes:
        with self._lock:
            self._refresh()
            return generate_latest(self)

    def _refresh(self) -> None:
        if time.monotonic() - self._taken < FRESH_SECONDS:
            return
        try:
            self._snapshot = take_snapshot(self._store, dt.datetime.now(dt.UTC))
            self._findings_up = True
        except FindingsUnavailable:
            self._findings_up = False
        self._taken = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        yield from self._of_itself()
        yield from self._of_windows()
        yield from self._of_alarms()
        yield from self._of_metrics()
        yield from self._of_truth()
        yield self._of_experiments()
        yield from self._of_retrains()
        yield from self._of_replicas()

    def _of_itself(self) -> Iterator[Metric]:
        successes = {(model,): at.timestamp() for model, at in self._snapshot.last_success}
        text = "When a model was last looked at without a fault."
        yield _gauge("last_success_timestamp_seconds", text, ("model",), successes)
        yield _gauge("interval_seconds", "Seconds between two looks.", (), {(): self._interval})
        states = {state.source: state.up for state in self._snapshot.sources}
        # The one that holds the others' states is known at first hand.
        states["findings"] = self._findings_up
        if not self._findings_up:
            # The same server, or the same machine.
            states["journal"] = False
        up = {(source,): is_up for source, is_up in sorted(states.items())}
        yield _gauge("source_up", "1 where what the monitor needs answers.", ("source",), up)
        # Of the clock alone, as the other sources have no value.
        values = [state.value for state in self._snapshot.sources if state.value is not None]
        text = "Seconds that this clock is ahead of the database's."
        yield _gauge("clock_skew_seconds", text, (), {(): value for value in values})

    def _of_windows(self) -> Iterator[Metric]:
        records = {_labels(state): state.record for state in self._snapshot.arms}
        rows = {labels: record.rows for labels, record in records.items()}
        yield _gauge("window_rows", "Rows of the newest window.", ARM, rows)
        starts = {labels: record.start.timestamp() for labels, record in records.items()}
        yield _gauge("window_start_timestamp_seconds", "When the newest window began.", ARM, starts)

    def _of_alarms(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        standing = {(*_labels(alarm), alarm.kind) for alarm in snapshot.alarms}
        quiet = {(*_labels(state), kind) for state in snapshot.arms for kind in KINDS}
        alarms = {labels: labels in standing for labels in sorted(quiet | standing)}
        yield _gauge("alarm", "1 while such an alarm stands.", (*ARM, "kind"), alarms)
        drifts = [alarm for alarm in snapshot.alarms if alarm.kind == "drift"]
        drifted = {(*_labels(alarm), alarm.column) for alarm in drifts}
        effects = {
            (*_labels(state), finding.column): finding.value
            for state, finding in self._findings("drift")
        }
        shown = {labels for labels in effects if labels[-1]}
        columns = {labels: labels in drifted for labels in sorted(shown | drifted)}
        text = "1 while an alarm of the column's drift stands."
        yield _gauge("column_alarm", text, (*ARM, "column"), columns)
        text = "How far the column moved in the newest window."
        yield _gauge("column_effect", text, (*ARM, "column"), effects)

    def _of_metrics(self) -> Iterator[Metric]:
        bounds: dict[tuple[str, ...], float | None] = {}
        for kind, text in (
            ("estimate", "A metric's estimate before the truth."),
            ("quality", "A metric by the truth, in the newest window that has enough."),
        ):
            values = {}
            for state, finding in self._findings(kind):
                if finding.column and finding.verdict != "unknown":
                    values[*_labels(state), finding.column] = finding.value
                if finding.bound is not None:
                    bounds[state.record.model, finding.column] = finding.bound
            yield _gauge(kind, text, (*ARM, "metric"), values)
        bounds = dict(sorted(bounds.items()))
        yield _gauge("bound", "The gate of a metric.", ("model", "metric"), bounds)
        known: dict[tuple[str, ...], bool] = {}
        for state, finding in self._findings("estimate"):
            known[_labels(state)] = finding.verdict != "unknown" or known.get(_labels(state), False)
        yield _gauge("estimate_known", "0 where the estimate cannot be known.", ARM, known)

    def _of_truth(self) -> Iterator[Metric]:
        for column, name, text in (
            ("share", "share", "Share of rows with truth, in the newest window that has any."),
            ("delay", "delay_seconds", "Median seconds from prediction to truth, in that window."),
        ):
            findings = self._findings("truth")
            values = {
                _labels(state): each.value for state, each in findings if each.column == column
            }
            yield _gauge(f"truth_{name}", text, ARM, values)
        ends = {_labels(state): state.truth_until for state in self._snapshot.arms}
        times = {labels: end.timestamp() for labels, end in ends.items() if end is not None}
        text = "The end of the newest window that has truth."
        yield _gauge("truth_window_timestamp_seconds", text, ARM, times)

    def _of_experiments(self) -> Metric:
        verdicts = {}
        for each in self._snapshot.experiments:
            kind = str(each.document.get("kind", "none"))
            for word in get_args(Verdict):
                pair = (each.model, each.champion, each.challenger)
                verdicts[*pair, kind, word] = word == each.verdict
        text = "1 for the verdict that stands of an experiment that runs."
        labels = ("model", "champion", "challenger", "kind", "verdict")
        return _gauge("experiment", text, labels, verdicts)

    def _of_retrains(self) -> Iterator[Metric]:
        requests = dict(self._snapshot.retrains)
        settled = {key: number for key, number in requests.items() if key[1] != "waiting"}
        text = (
            "Alerts that asked for a retraining, by what became of them;"
            " `failed` are tries that Jenkins did not take."
        )
        yield _filled(CounterMetricFamily, "retrain", text, ("model", "outcome"), settled)
        waiting = {key[:1]: number for key, number in requests.items() if key[1] == "waiting"}
        text = "Retrainings that Jenkins has not taken yet."
        yield _gauge("retrain_waiting", text, ("model",), waiting)

    def _of_replicas(self) -> Iterator[Metric]:
        needed = unbounded = None
        if (capacity := self._snapshot.capacity) is not None:
            needed, unbounded = capacity.needed, capacity.unbounded
        text = "Replicas of the model service that the busiest five minutes of the last day needed, within the bounds."
        yield _gauge("replicas_needed", text, (), {(): needed})
        text = "The same, whatever the bounds."
        yield _gauge("replicas_needed_unbounded", text, (), {(): unbounded})
        settled = {(key,): number for key, number in self._snapshot.scalings if key != "waiting"}
        text = "Changes of replicas by what became of them; `failed` are tries that Jenkins did not take."
        yield _filled(CounterMetricFamily, "scaling", text, ("outcome",), settled)

    def _findings(self, kind: str) -> Iterator[tuple[ArmState, Finding]]:
        for state in self._snapshot.arms:
            for finding in state.findings:
                if finding.kind == kind:
                    yield state, finding


def _gauge(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily, name, text, labels, samples)


def _filled(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    name: str,
    text: str,
    labels: Sequence[str],
    samples: Samples,
) -> Metric:
    """Without those that have no value."""
    family = kind(PREFIX + name, text, labels=labels)
    for values, number in samples.items():
        if number is not None:
            family.add_metric(values, float(number))
    return family


def _labels(of: ArmState | Alarm) -> tuple[str, str, str]:
    about = of.record if isinstance(of, ArmState) else of
    return about.model, about.version, about.arm
