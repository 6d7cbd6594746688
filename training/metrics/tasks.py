"""The metrics of each task. The first is the one by which a model is judged foremost, where its spec names no other."""

from __future__ import annotations

from collections.abc import Collection

from service.bundle.contract import Task
from training.metrics import classification, optimization, regression
from training.metrics.metric import Metric

METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": regression.METRICS,
    "classification": classification.METRICS,
    "optimization": optimization.METRICS,
}


def usual_metrics(task: Task, named: Collection[str] = ()) -> list[Metric]:
    """Those that are computed of every slice and window, and of the others those that are named."""
    return [metric for metric in METRICS[task] if metric.usual or metric.name in named]
