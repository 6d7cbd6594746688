"""What Prometheus sees. Each worker writes the files of its slot: restarts add none."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prometheus_client as prometheus
from prometheus_client import values
from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    # It loads NumPy, which must wait until service/__main__.py has said how many threads it may have.
    from service.bundle.contract import RefusedValues

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Where the client looks for the folder of all processes.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SLOT = ["master"]


def keep_in(folder: Path) -> None:
    """Called once, before any metric is made: where the processes keep their numbers."""
    os.environ[FOLDER] = str(folder)
    shared: Any = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        process_identifier=lambda: _SLOT[0]
    )
    # The one seam that the client has for this: metrics.py looks the class up here.
    values.ValueClass = shared


def take_slot(slot: int) -> None:
    _SLOT[0] = f"worker{slot}"


class ModelMetrics:
    """One model's children. Labels are names of its contract, never what a caller sent, so that there are not many."""

    def __init__(self, metrics: Metrics, model: str, columns: Iterable[str]):
        self._columns = frozenset(columns)
        self._refused = functools.cache(functools.partial(metrics.refused_values.labels, model))
        #: Of requests that ended before an arm was chosen.
        self.requests = RequestMetrics(metrics, self, (model, "", ""))

    def count_refused(self, refused: RefusedValues) -> None:
        for (column, reason), times in refused.items():
            name = column if column in self._columns else ""
            self._refused(name, reason).inc(times)


class RequestMetrics:
    """Requests for predictions that did not end well: `labels` are model, version and arm.

    Those that were answered are the count of the latency, see `scrape`: to count them here again would take a twentieth
    of what a prediction of one row costs.
    """

    def __init__(self, metrics: Metrics, model: ModelMetrics, labels: tuple[str, str, str]):
        self.model = model
        self.refused, self.failed = (
            metrics.model_requests.labels(*labels, outcome) for outcome in ("refused", "failed")
        )

    def count_failure(self, status: str) -> None:
        """`refused` is the caller's fault, `failed` ours: an overload too."""
        (self.refused if status < "5" else self.failed).inc()


class ArmMetrics:
    """One arm's own children, looked up once: a lookup costs more than the counting."""

    def __init__(
        self,
        metrics: Metrics,
        model: ModelMetrics,
        labels: tuple[str, str, str],
        classes: Iterable[str],
        columns_with_other: Iterable[str] = (),
    ):
        names = list(classes) or [""]
        self.other_values = [
            metrics.other_values.labels(*labels, column) for column in columns_with_other
        ]
        self.predictions = [metrics.predictions.labels(*labels, name) for name in names]
        self.latency = metrics.latency.labels(*labels)
        self.requests = RequestMetrics(metrics, model, labels)


class Metrics:
    def __init__(self) -> None:
        #: Of this object alone; what is scraped is read from the files of all workers.
        self.registry = CollectorRegistry()
        self.requests = prometheus.Counter(
            "swarmline_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.refusals = prometheus.Counter(
            "swarmline_refusals", "Requests refused, by reason.", ["reason"], registry=self.registry
        )
        self.model_requests = prometheus.Counter(
            "swarmline_model_requests",
            "Requests for predictions, and predictions in shadow, by how they ended; version and arm are empty"
            " where none was chosen yet.",
            ["model", "version", "arm", "outcome"],
            registry=self.registry,
        )
        self.refused_values = prometheus.Counter(
            "swarmline_refused_values",
            "Values that the contract refuses; column is empty for what is none.",
            ["model", "column", "reason"],
            registry=self.registry,
        )
        self.predictions = prometheus.Counter(
            "swarmline_predictions",
            "Rows predicted; class is empty for numbers.",
            ["model", "version", "arm", "class"],
            registry=self.registry,
        )
        self.other_values = prometheus.Counter(
            "swarmline_other_values",
            "Values of answered rows that are none of their column's categories, where the contract takes others.",
            ["model", "version", "arm", "column"],
            registry=self.registry,
        )
        self.latency = prometheus.Histogram(
            "swarmline_latency_seconds",
            "Time in the service of answered predictions.",
            ["model", "version", "arm"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.streams = prometheus.Gauge(
            "swarmline_streams",
            "Open streams.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.lost_shadows = prometheus.Counter(
            "swarmline_shadows_lost",
            "Predictions in shadow that were not made: they failed, or too many waited.",
            ["reason"],
            registry=self.registry,
        )
        self.lost_shadow = functools.cache(self.lost_shadows.labels)
        self.request = functools.cache(self.requests.labels)
        self.refusal = functools.cache(self.refusals.labels)


class Live:
    """Numbers worked out when they are asked for: counters by their `_total`, else gauges."""

    def __init__(self, gauges: Iterable[tuple[str, str, dict[str, str], float]]):
        self._gauges = list(gauges)

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, text, labels, value in self._gauges:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = families.setdefault(name, kind(name, text, labels=list(labels)))
            family.add_metric(list(labels.values()), value)
        return families.values()


class _Counted:
    """All workers' numbers; requests that were answered come from the count of their latency."""

    def __init__(self) -> None:
        self._files = MultiProcessCollector(None)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        collected: Iterable[Metric] = self._files.collect()  # type: ignore[no-untyped-call]
        families = {family.name: family for family in collected}
        latency = families.get("swarmline_latency_seconds")
        requests = families.get("swarmline_model_requests")
        for sample in latency.samples if latency and requests else ():
            if sample.name.endswith("_count") and requests:
                labels = sample.labels | {"outcome": "answered"}
                requests.add_sample("swarmline_model_requests_total", labels, sample.value)
        return families.values()


def scrape(gauges: Iterable[tuple[str, str, dict[str, str], float]]) -> bytes:
    """All workers' numbers and the given gauges, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Counted())
    registry.register(Live(gauges))
    return prometheus.generate_latest(registry)


def forget_gauges(slot: int) -> None:
    """A worker died: its live gauges go; its counts stay, and its successor goes on from them."""
    for path in Path(os.environ[FOLDER]).glob(f"gauge_live*_worker{slot}.db"):
        path.unlink()
