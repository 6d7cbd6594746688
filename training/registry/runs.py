"""What a training leaves in MLflow as a run: what went in, what was tried, what came out."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
import msgspec
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Metric, Param, RunTag

from training.card import page, plots, style
from training.common import places
from training.common.documents import pretty
from training.data import report
from training.data.dataset import Dataset
from training.data.sources import describe_source
from training.fit.search import Searched
from training.judge.result import Facts
from training.spec.values import Spec

SPEC_FILE = "spec.json"
SNAPSHOT_FILE = "snapshot.parquet"
#: A larger snapshot of the training rows is not kept; `SWARMLINE_SNAPSHOT_MB` moves the limit.
SNAPSHOT_MB = 200.0


def inputs(
    client: mlflow.MlflowClient, run_id: str, spec: Spec, made: Dataset, tags: Mapping[str, str]
) -> None:
    """What goes into a training, recorded before it starts, so that a failed one can be understood."""
    client.log_text(
        run_id, msgspec.json.format(msgspec.json.encode(spec), indent=1).decode(), SPEC_FILE
    )
    own = {
        "swarmline.fingerprint": made.fingerprint,
        "swarmline.rows": str(len(made.frame)),
    }
    client.log_batch(run_id, tags=[RunTag(*pair) for pair in (own | {**tags}).items()])
    _snapshot(client, run_id, made.frame)
    source = (
        describe_source(spec)
        if spec.data
        else f"model:{spec.objective.model if spec.objective else ''}"
    )
    table = from_pandas(
        made.frame.head(1000),
        source=CodeDatasetSource({"source": source}),
        name=spec.name,
        digest=made.fingerprint[:36],
    )
    mlflow.log_input(table, context="training")
    if made.report is not None:
        for path in report.write(made.report, places.reports() / spec.name).values():
            client.log_artifact(run_id, str(path), "validation")


def _snapshot(client: mlflow.MlflowClient, run_id: str, frame: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SNAPSHOT_FILE
        frame.to_parquet(path, index=False)
        limit = float(os.environ.get("SWARMLINE_SNAPSHOT_MB", SNAPSHOT_MB))
        if path.stat().st_size <= limit * 1e6:
            client.log_artifact(run_id, str(path))
        else:
            size = f"{path.stat().st_size / 1e6:.0f} MB, over the limit of {limit:g}"
            client.set_tag(run_id, "swarmline.snapshot", f"not kept: {size}")


def trials(
    client: mlflow.MlflowClient, run_id: str, experiment_id: str, searched: Searched
) -> None:
    """Each trial as a child run, and the best score so far as a curve of the parent."""
    best = float("-inf")
    for number, trial in enumerate(searched.trials):
        best = max(best, trial.score)
        client.log_metric(run_id, "search.best_score", best, step=number)
        tags = {"mlflow.parentRunId": run_id, "candidate": trial.candidate}
        child = client.create_run(experiment_id, run_name=f"{trial.candidate} {number}", tags=tags)
        client.log_batch(
            child.info.run_id,
            metrics=[
                _metric("score", trial.score),
                _metric("spread", trial.spread),
                _metric("fit_seconds", trial.fit_seconds),
            ],
            params=[Param(name, str(value)) for name, value in trial.parameters.items()],
        )
        client.set_terminated(child.info.run_id)


def outputs(client: mlflow.MlflowClient, facts: Facts) -> None:
    """Parameters, metrics, curves, plots and lineage of a finished training."""
    run = facts.run_id
    chosen = facts.chosen.pipeline["model"].get_params(deep=False)
    params = {"candidate": facts.chosen.candidate, "seed": facts.spec.search.seed} | chosen
    client.log_batch(
        run,
        metrics=list(_metrics(facts)),
        params=[Param(name, str(value)[:500]) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in tags_of(facts).items()],
    )
    if facts.verdict is not None:
        client.log_text(run, pretty(facts.verdict.decisions).decode(), "gate.json")
    with style.rendering():
        for name, figure in plots.figures(facts).items():
            client.log_figure(run, figure, f"plots/{name}.png")
    client.log_text(run, page.render(facts), "card.html")


def _metrics(facts: Facts) -> Iterator[Metric]:
    yield _metric("search.seconds", facts.searched.seconds)
    if facts.compiled:
        yield _metric("engine.latency_ms", facts.compiled.latency_ms)
        yield _metric("engine.size_mb", facts.compiled.size_mb)
        yield _metric("engine.largest_difference", facts.compiled.equality.largest)
    if facts.evaluation:
        for name, interval in facts.evaluation.metrics.items():
            yield _metric(f"held_out.{name}", interval.value)
            yield _metric(f"held_out.{name}.low", interval.low)
            yield _metric(f"held_out.{name}.high", interval.high)
        for rival in facts.evaluation.rivals:
            for name, value in rival.metrics.items():
                yield _metric(f"{rival.name}.{name}", value)
    for step, loss in enumerate(getattr(facts.chosen.pipeline["model"], "loss_curve_", [])):
        yield _metric("loss", float(loss), step)


def _metric(name: str, value: float, step: int = 0) -> Metric:
    return Metric(name, value, int(time.time() * 1000), step)


def tags_of(facts: Facts) -> dict[str, str]:
    lineage = facts.lineage
    verdict = "skipped" if facts.verdict is None else "passed" if facts.verdict.passed else "failed"
    return {
        "swarmline.git_commit": lineage.git_commit,
        "swarmline.git_dirty": str(lineage.git_dirty).lower(),
        "swarmline.lock": lineage.lock,
        "swarmline.code": lineage.code,
        "swarmline.machine": lineage.machine,
        "swarmline.seed": str(facts.spec.search.seed),
        "swarmline.engine": facts.compiled.engine_name if facts.compiled else "none",
        "swarmline.gate": verdict,
        "swarmline.scoring": facts.spec.scoring,
    }
