"""What a training leaves in MLflow: a run with everything, and a version whose bundle the service takes."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Metric, Param, RunTag

from service.bundle import Manifest
from service.engines import MODEL_FILES
from training import (
    card,
    export,
    mlflow_model,
    places,
    plots,
    reference,
    registry,
    validation_report,
)
from training.data import describe_source
from training.dataset import Dataset
from training.documents import pretty
from training.facts import Facts
from training.search import Searched
from training.spec import Spec

SPEC_FILE = "spec.json"
SNAPSHOT_FILE = "snapshot.parquet"
#: A larger snapshot of the training rows is not kept; `SWARMLINE_SNAPSHOT_MB` moves the limit.
SNAPSHOT_MB = 200.0


def inputs(client: mlflow.MlflowClient, run_id: str, spec: Spec, made: Dataset, key: str) -> None:
    """What goes into a training, recorded before it starts, so that a failed one can be understood."""
    client.log_text(
        run_id, msgspec.json.format(msgspec.json.encode(spec), indent=1).decode(), SPEC_FILE
    )
    tags = {
        registry.KEY: key,
        "swarmline.fingerprint": made.fingerprint,
        "swarmline.rows": str(len(made.frame)),
    }
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
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
        for path in validation_report.write(made.report, places.reports() / spec.name).values():
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
        tags=[RunTag(name, value) for name, value in _tags(facts).items()],
    )
    if facts.verdict is not None:
        client.log_text(run, pretty(facts.verdict.decisions).decode(), "gate.json")
    for name, figure in plots.figures(facts).items():
        client.log_figure(run, figure, f"plots/{name}.png")
    client.log_text(run, card.render(facts), "card.html")


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
        for name, value in (facts.evaluation.baseline or {}).items():
            yield _metric(f"baseline.{name}", value)
        for name, value in (facts.evaluation.champion or {}).items():
            yield _metric(f"champion.{name}", value)
    for step, loss in enumerate(getattr(facts.chosen.pipeline["model"], "loss_curve_", [])):
        yield _metric("loss", float(loss), step)


def _metric(name: str, value: float, step: int = 0) -> Metric:
    return Metric(name, value, int(time.time() * 1000), step)


def _tags(facts: Facts) -> dict[str, str]:
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


def register(client: mlflow.MlflowClient, facts: Facts) -> Facts:
    """A new version with its bundle, alias `challenger`; the same facts with the version's number come back."""
    name = facts.spec.name
    model_uri = mlflow_model.log(facts)
    if not registry.exists(client, name):
        client.create_registered_model(name, description=facts.spec.description)
    made = client.create_model_version(
        name,
        model_uri,
        facts.run_id,
        description=facts.spec.description,
        model_id=model_uri.rpartition("/")[2],
    )
    numbered = facts._replace(version=str(made.version))
    # Until the version is complete, nobody shall find it under its name.
    folder = _bundle_folder(numbered)
    hidden = write_bundle(numbered, folder.with_name(f".{folder.name}.incomplete"))
    client.log_artifacts(facts.run_id, str(hidden), registry.BUNDLE)
    for tag, value in {
        registry.KEY: facts.key,
        "swarmline.fingerprint": facts.dataset.fingerprint,
        **_tags(facts),
    }.items():
        client.set_model_version_tag(name, numbered.version, tag, value)
    client.set_model_version_tag(name, numbered.version, registry.COMPLETE, "true")
    client.set_registered_model_alias(name, "challenger", numbered.version)
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)
    return numbered


def _bundle_folder(facts: Facts) -> Path:
    return places.trained() / facts.spec.name / facts.version


def write_bundle(facts: Facts, folder: Path | None = None) -> Path:
    compiled, evaluation = facts.compiled, facts.evaluation
    assert compiled is not None  # `train` registers nothing that was not exported
    contract, made = facts.dataset.contract, facts.dataset
    folder = folder or _bundle_folder(facts)
    answer = compiled.engine.predict(made.held_out)
    rows = golden_rows(facts)
    parts: dict[str, Any] = {
        "contract.json": contract,
        "reference.json": reference.reference(
            contract, made.train[0], answer, facts.spec.search.seed
        ),
        "golden.json": export.golden(contract, compiled.engine, rows),
    }
    model_file = MODEL_FILES[compiled.engine_name]
    manifest = Manifest(
        model=facts.spec.name,
        version=facts.version,
        run_id=facts.run_id,
        task=facts.spec.task,
        engine=compiled.engine_name,
        classes=contract.classes,
        metrics=evaluation.metrics if evaluation else {},
        gates=facts.verdict.decisions if facts.verdict else (),
        git_commit=facts.lineage.git_commit,
        trained_by=os.environ.get("BUILD_TAG") or getpass.getuser(),
        data_fingerprint=made.fingerprint,
        key=facts.key,
        created=facts.created,
        files={},
    )
    with tempfile.TemporaryDirectory() as aside:
        page = Path(aside) / "card.html"
        page.write_text(card.render(facts), encoding="utf-8")
        export.write_bundle(
            folder, manifest, parts, {model_file: compiled.folder / model_file, page.name: page}
        )
    return folder


def golden_rows(facts: Facts) -> list[dict[str, Any]]:
    """A few held-out rows as callers send them, spread over the range of the truth."""
    held_out = facts.dataset.split.held_out
    truth = facts.dataset.target[held_out]
    order = (truth if truth.ndim == 1 else truth[:, 0]).argsort(kind="stable")
    chosen = held_out[order[:: max(1, len(order) // export.GOLDEN_ROWS)][: export.GOLDEN_ROWS]]
    rows = []
    for _, values in facts.dataset.frame.iloc[chosen].iterrows():
        # A bundle travels further than the data, so it holds no sensitive value.
        rows.append(
            {
                column.name: (
                    column.sample if column.sensitive else _plain(column.type, values[column.name])
                )
                for column in facts.dataset.contract.columns
            }
        )
    return rows


def _plain(kind: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    if kind == "timestamp":
        return pd.Timestamp(value).isoformat()
    return {"integer": int, "number": float, "boolean": bool, "category": str}[kind](value)
