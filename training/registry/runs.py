"""A training as an MLflow run: started, its inputs, its trials, its result."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Metric, Param, RunTag

from training.card import style
from training.card.task_plots import Plot
from training.common import failures, state
from training.common.files import pretty
from training.common.progress import say
from training.data.dataset import Dataset
from training.data.sources import describe_source
from training.fit.search.search import SearchResult
from training.fit.search.trials import Attempt, Trial
from training.judge.result import TrainingResult
from training.metrics.by_group import GroupFigures
from training.registry import tags
from training.registry.client import brief, experiment
from training.spec.values import Spec

SPEC_FILE = "spec.json"
SEARCH_FILE = "search.json"
#: What is recorded of each trial.
MEASURED = ("score", "spread", "fit_seconds", "rows")
#: Figures of groups, none of which has fewer rows than the spec allows.
FAIRNESS_FILE = "fairness.json"
SNAPSHOT_FILE = "snapshot.parquet"
#: A larger snapshot of the training rows is not kept; `SWARMLINE_SNAPSHOT_MB` moves the limit.
SNAPSHOT_MB = 200.0
#: What MLflow's database needs to write how a run ended: its journal and some pages.
RESERVED_BYTES = 100_000


class Run(NamedTuple):
    """The run that is under way."""

    client: mlflow.MlflowClient
    run_id: str
    experiment_id: str


@contextlib.contextmanager
def started(client: mlflow.MlflowClient, spec: Spec) -> Iterator[Run]:
    """A run that ends as FAILED when anything inside fails."""
    experiment_id = experiment(client, spec.name)
    with _reserved_room() as room:
        run = mlflow.start_run(experiment_id=experiment_id, description=spec.description)
        try:
            if page := state.run_page(experiment_id, run.info.run_id):
                say(f"{spec.name}: {page}")
            yield Run(client, run.info.run_id, experiment_id)
        except failures.kinds():
            room.close()
            # MLflow itself may be what failed: it is told, if it hears, and the failure is not hidden by a second one.
            with brief(seconds=1, retries=0), contextlib.suppress(*failures.kinds()):
                end_as_failed()
            raise
        except BaseException:
            end_as_failed()
            raise
        mlflow.end_run()


@contextlib.contextmanager
def _reserved_room() -> Iterator[IO[bytes]]:
    """Room on the disk that a run keeps until its end: on a full one, its failure could not be recorded."""
    state.build().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=state.build()) as room:
        os.posix_fallocate(room.fileno(), 0, RESERVED_BYTES)
        yield room


def end_as_failed() -> None:
    mlflow.end_run("FAILED")


def log_inputs(run: Run, spec: Spec, dataset: Dataset, key: str, skipped: Sequence[str]) -> None:
    """Spec, rows and validation reports, before the training starts, so that a failed one can be understood."""
    client, run_id = run.client, run.run_id
    client.log_text(run_id, pretty(spec).decode(), SPEC_FILE)
    texts = {
        tags.KEY: key,
        tags.SKIPPED: " ".join(skipped),
        tags.FINGERPRINT: dataset.fingerprint,
        tags.ROWS: str(len(dataset.frame)),
    }
    client.log_batch(run_id, tags=[RunTag(*pair) for pair in texts.items()])
    _log_snapshot(run, dataset.frame)
    table = from_pandas(
        dataset.frame.head(1000),
        source=CodeDatasetSource({"source": describe_source(spec)}),
        name=spec.name,
        digest=dataset.fingerprint[:36],
    )
    mlflow.log_input(table, context="training")
    if dataset.report is not None:
        for path in sorted((state.reports() / spec.name).glob("validation.*")):
            client.log_artifact(run_id, str(path), "validation")


def _log_snapshot(run: Run, frame: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SNAPSHOT_FILE
        frame.to_parquet(path, index=False)
        limit = float(os.environ.get("SWARMLINE_SNAPSHOT_MB", SNAPSHOT_MB))
        if path.stat().st_size <= limit * 1e6:
            run.client.log_artifact(run.run_id, str(path))
        else:
            size = f"{path.stat().st_size / 1e6:.0f} MB, over the limit of {limit:g}"
            run.client.set_tag(run.run_id, tags.SNAPSHOT, f"not kept: {size}")


def log_trials(run: Run, search: SearchResult) -> None:
    """Each trial as a child run, and the best score so far as a curve of the parent."""
    _log_ranking(run, search)
    client, best = run.client, float("-inf")
    for number, trial in enumerate(search.trials):
        best = max(best, trial.score)
        client.log_metric(run.run_id, "search.best_score", best, step=number)
        child = client.create_run(
            run.experiment_id,
            run_name=f"{trial.candidate} {number}",
            tags={"mlflow.parentRunId": run.run_id, "candidate": trial.candidate},
        )
        client.log_batch(
            child.info.run_id,
            metrics=[_metric(name, getattr(trial, name)) for name in MEASURED],
            params=[Param(name, str(value)) for name, value in trial.parameters.items()],
        )
        client.set_terminated(child.info.run_id)


def _log_ranking(run: Run, search: SearchResult) -> None:
    """The best of each candidate, so that a search whose end the clock decided need not be repeated."""
    ranking = [
        {"candidate": best.candidate, "parameters": best.attempt.parameters, "score": best.score}
        for best in search.ranking
    ]
    run.client.log_text(run.run_id, pretty(ranking).decode(), SEARCH_FILE)


def recorded_search(client: mlflow.MlflowClient, run_id: str) -> SearchResult:
    """What a run's search came to, without its trials."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(client.download_artifacts(run_id, SEARCH_FILE, folder))
        ranking = json.loads(path.read_text(encoding="utf-8"))
    trials = (
        Trial(Attempt(best["candidate"], best["parameters"]), 0, best["score"], 0.0, 0.0)
        for best in ranking
    )
    return SearchResult((), tuple(trials), 0.0)


def log_result(run: Run, result: TrainingResult, plots: Sequence[Plot], card: str) -> None:
    """Parameters, metrics, curves, plots, card and origin of a training."""
    client, chosen = run.client, result.fitted.chosen
    params = {"candidate": chosen.candidate, "seed": result.spec.search.seed}
    params |= chosen.pipeline["model"].get_params(deep=False)
    client.log_batch(
        run.run_id,
        metrics=list(_metrics(result)),
        params=[Param(name, str(value)[:500]) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in tags_of(result).items()],
    )
    if result.verdict is not None:
        client.log_text(run.run_id, pretty(result.verdict.decisions).decode(), "gate.json")
    if result.evaluation is not None and result.evaluation.by_group is not None:
        client.log_text(run.run_id, pretty(result.evaluation.by_group).decode(), FAIRNESS_FILE)
    with style.rendering():
        for plot in plots:
            client.log_figure(run.run_id, plot.figure, f"plots/{plot.name}.png")
    client.log_text(run.run_id, card, "card.html")


def _metrics(result: TrainingResult) -> Iterator[Metric]:
    yield _metric("search.seconds", result.fitted.search.seconds)
    if compiled := result.fitted.compiled:
        yield _metric("engine.latency_ms", compiled.latency_ms)
        yield _metric("engine.size_mb", compiled.size_mb)
        yield _metric("engine.largest_difference", compiled.equality.largest)
    if evaluation := result.evaluation:
        for name, interval in evaluation.metrics.items():
            yield _metric(f"held_out.{name}", interval.value)
            yield _metric(f"held_out.{name}.low", interval.low)
            yield _metric(f"held_out.{name}.high", interval.high)
        yield from _fairness(evaluation.by_group)
        for rival in evaluation.rivals:
            for name, value in rival.metrics.items():
                yield _metric(f"{rival.name}.{name}", value)
    for step, loss in enumerate(getattr(result.fitted.chosen.pipeline["model"], "loss_curve_", [])):
        yield _metric("loss", float(loss), step)


def _fairness(figures: GroupFigures | None) -> Iterator[Metric]:
    """How far the groups lie apart, without their names."""
    for name, gap in figures.gaps.items() if figures else ():
        for kind, interval in (("difference", gap.difference), ("ratio", gap.ratio)):
            if interval is not None:
                yield _metric(f"fairness.{name}.{kind}", interval.value)
                yield _metric(f"fairness.{name}.{kind}.low", interval.low)
                yield _metric(f"fairness.{name}.{kind}.high", interval.high)


def _metric(name: str, value: float, step: int = 0) -> Metric:
    return Metric(name, value, int(time.time() * 1000), step)


def tags_of(result: TrainingResult) -> dict[str, str]:
    """What a run and its version say alike."""
    origin, verdict, compiled = result.provenance, result.verdict, result.fitted.compiled
    gate = "skipped" if verdict is None else "passed" if verdict.passed else "failed"
    return {
        tags.GIT_COMMIT: origin.git_commit,
        tags.GIT_DIRTY: str(origin.git_dirty).lower(),
        tags.LOCK: origin.lock,
        tags.CODE: origin.code,
        tags.MACHINE: origin.machine,
        tags.SEED: str(result.spec.search.seed),
        tags.ENGINE: compiled.engine_name if compiled else "none",
        tags.GATE: gate,
        tags.SCORING: result.spec.scoring,
    }
