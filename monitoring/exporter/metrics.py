"""`Exporter`: the monitor's numbers as Prometheus reads them, made of the database of findings at each scrape.

Where that is away, the last numbers stand, so that `last_success` ages; the sources say what is down.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any, get_args

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitoring.experiment.values import Verdict
from monitoring.exporter.snapshot import ArmState, Snapshot, take_snapshot
from monitoring.findings import Alarm, Finding, FindingsUnavailable, Store
from monitoring.judge.alarms import KINDS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "swarmline_monitor_"
ARM = ("model", "version", "arm")
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

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        yield from self._of_itself()
        yield from self._of_windows()
        yield from self._of_alarms()
        yield from self._of_metrics()
        yield self._of_experiments()
        yield from self._of_retrains()
        yield from self._of_replicas()

    def _of_itself(self) -> Iterator[GaugeMetricFamily]:
        success = _gauge(
            "last_success_timestamp_seconds",
            "When a model was last looked at without a fault.",
            "model",
        )
        for model, at in self._snapshot.last_success:
            success.add_metric([model], at.timestamp())
        yield success
        interval = _gauge("interval_seconds", "Seconds between two looks.")
        interval.add_metric([], self._interval)
        yield interval
        up = _gauge("source_up", "1 where what the monitor needs answers.", "source")
        states = {state.source: state.up for state in self._snapshot.sources}
        # The one that holds the others' states is known at first hand.
        states["findings"] = self._findings_up
        if not self._findings_up:
            # The same server, or the same machine.
            states["journal"] = False
        for source, is_up in sorted(states.items()):
            up.add_metric([source], float(is_up))
        yield up
        skew = _gauge("clock_skew_seconds", "Seconds that this clock is ahead of the database's.")
        for state in self._snapshot.sources:
            if state.value is not None:
                skew.add_metric([], state.value)
        yield skew

    def _of_windows(self) -> Iterator[GaugeMetricFamily]:
        rows = _gauge("window_rows", "Rows of the newest window.", *ARM)
        start = _gauge("window_start_timestamp_seconds", "When the newest window began.", *ARM)
        for state in self._snapshot.arms:
            labels = _labels(state)
            rows.add_metric(labels, state.record.rows)
            start.add_metric(labels, state.record.start.timestamp())
        yield rows
        yield start

    def _of_alarms(self) -> Iterator[GaugeMetricFamily]:
        alarms = _gauge("alarm", "1 while such an alarm stands.", *ARM, "kind")
        columns = _gauge(
            "column_alarm", "1 while an alarm of the column's drift stands.", *ARM, "column"
        )
        effects = _gauge(
            "column_effect", "How far the column moved in the newest window.", *ARM, "column"
        )
        standing = {(*_labels(alarm), alarm.kind) for alarm in self._snapshot.alarms}
        quiet = {(*_labels(state), kind) for state in self._snapshot.arms for kind in KINDS}
        for labels in sorted(quiet | standing):
            alarms.add_metric(labels, float(labels in standing))
        drifted = {
            (*_labels(alarm), alarm.column)
            for alarm in self._snapshot.alarms
            if alarm.kind == "drift"
        }
        shown = set()
        for state, finding in self._findings("drift"):
            labels = (*_labels(state), finding.column)
            if finding.value is not None:
                effects.add_metric(labels, finding.value)
            if finding.column:
                shown.add(labels)
        for labels in sorted(shown | drifted):
            columns.add_metric(labels, float(labels in drifted))
        yield from (alarms, columns, effects)

    def _of_metrics(self) -> Iterator[GaugeMetricFamily]:
        estimate = _gauge("estimate", "A metric's estimate before the truth.", *ARM, "metric")
        estimate_flag = _gauge("estimate_known", "0 where the estimate cannot be known.", *ARM)
        quality = _gauge(
            "quality",
            "A metric by the truth, in the newest window that has enough.",
            *ARM,
            "metric",
        )
        bound = _gauge("bound", "The gate of a metric.", "model", "metric")
        bounds: dict[tuple[str, str], float] = {}
        for kind, gauge in (("estimate", estimate), ("quality", quality)):
            for state, finding in self._findings(kind):
                if finding.value is not None and finding.column and finding.verdict != "unknown":
                    gauge.add_metric([*_labels(state), finding.column], finding.value)
                if finding.bound is not None:
                    bounds[state.record.model, finding.column] = finding.bound
        for state in self._snapshot.arms:
            estimates = [finding for finding in state.findings if finding.kind == "estimate"]
            if estimates:
                is_known = any(finding.verdict != "unknown" for finding in estimates)
                estimate_flag.add_metric(_labels(state), float(is_known))
        for labels, value in sorted(bounds.items()):
            bound.add_metric(labels, value)
        yield from (estimate, estimate_flag, quality, bound)
        yield from self._of_truth()

    def _of_truth(self) -> Iterator[GaugeMetricFamily]:
        share = _gauge(
            "truth_share", "Share of rows with truth, in the newest window that has any.", *ARM
        )
        delay = _gauge(
            "truth_delay_seconds", "Median seconds from prediction to truth, in that window.", *ARM
        )
        for state, finding in self._findings("truth"):
            gauge = {"share": share, "delay": delay}.get(finding.column)
            if gauge is not None and finding.value is not None:
                gauge.add_metric(_labels(state), finding.value)
        until = _gauge(
            "truth_window_timestamp_seconds", "The end of the newest window that has truth.", *ARM
        )
        for state in self._snapshot.arms:
            if state.truth_until is not None:
                until.add_metric(_labels(state), state.truth_until.timestamp())
        yield from (share, delay, until)

    def _of_experiments(self) -> GaugeMetricFamily:
        verdict = _gauge(
            "experiment",
            "1 for the verdict that stands of an experiment that runs.",
            *("model", "champion", "challenger", "kind", "verdict"),
        )
        for experiment in self._snapshot.experiments:
            pair = (experiment.model, experiment.champion, experiment.challenger)
            kind = str(experiment.document.get("kind", "none"))
            for word in get_args(Verdict):
                verdict.add_metric([*pair, kind, word], float(word == experiment.verdict))
        return verdict

    def _of_retrains(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        total = CounterMetricFamily(
            f"{PREFIX}retrain",
            "Alerts that asked for a retraining, by what became of them; `failed` are tries that Jenkins did not take.",
            labels=("model", "outcome"),
        )
        waiting = _gauge("retrain_waiting", "Retrainings that Jenkins has not taken yet.", "model")
        for (model, outcome), number in self._snapshot.retrains:
            if outcome == "waiting":
                waiting.add_metric([model], number)
            else:
                total.add_metric([model, outcome], number)
        yield total
        yield waiting

    def _of_replicas(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        needed = _gauge(
            "replicas_needed",
            "Replicas of the model service that the busiest five minutes of the last day needed, within the bounds.",
        )
        unbounded = _gauge("replicas_needed_unbounded", "The same, whatever the bounds.")
        if (capacity := self._snapshot.capacity) is not None:
            needed.add_metric([], capacity.needed)
            unbounded.add_metric([], capacity.unbounded)
        total = CounterMetricFamily(
            f"{PREFIX}scaling",
            "Changes of replicas by what became of them; `failed` are tries that Jenkins did not take.",
            labels=("outcome",),
        )
        for outcome, number in self._snapshot.scalings:
            if outcome != "waiting":
                total.add_metric([outcome], number)
        yield from (needed, unbounded, total)

    def _findings(self, kind: str) -> Iterator[tuple[ArmState, Finding]]:
        for state in self._snapshot.arms:
            for finding in state.findings:
                if finding.kind == kind:
                    yield state, finding


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _labels(of: ArmState | Alarm) -> tuple[str, str, str]:
    about: Any = of.record if isinstance(of, ArmState) else of
    return about.model, about.version, about.arm
