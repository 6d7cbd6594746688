"""Registers a training: a new version with MLflow's own copy and the service's bundle, whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import mlflow

from training.bundle.write import golden_rows, write_bundle
from training.card import page
from training.card.task_plots import Plot
from training.common import failures, state
from training.judge.result import TrainingResult
from training.registry import tags, versions
from training.registry.client import brief
from training.registry.mlflow_model import log_model
from training.registry.runs import tags_of


def register(
    client: mlflow.MlflowClient, result: TrainingResult, plots: Sequence[Plot]
) -> TrainingResult:
    """A new version with alias `challenger`; the same result with the version's number comes back."""
    model_uri = log_model(result, golden_rows(result))
    numbered = _number(client, result, model_uri)
    with _whole_or_gone(client, numbered):
        hidden = _upload_bundle(client, numbered, plots)
        _publish(client, numbered, hidden)
    return numbered


def _number(client: mlflow.MlflowClient, result: TrainingResult, model_uri: str) -> TrainingResult:
    name, description = result.spec.name, result.spec.description
    if not versions.exists(client, name):
        client.create_registered_model(name, description=description)
    version = client.create_model_version(
        name,
        model_uri,
        result.run_id,
        description=description,
        model_id=model_uri.rpartition("/")[2],
    )
    return result._replace(version=str(version.version))


@contextlib.contextmanager
def _whole_or_gone(client: mlflow.MlflowClient, result: TrainingResult) -> Iterator[None]:
    """A version that could not be completed leaves nothing, neither here nor, where it still answers, in MLflow."""
    name, version = result.spec.name, result.version
    try:
        yield
    except BaseException:
        for path in state.trained_bundle(name, version).parent.glob(f".*{version}.incomplete*"):
            shutil.rmtree(path, ignore_errors=True)
        with brief(seconds=1, retries=0), contextlib.suppress(*failures.kinds()):
            client.delete_model_version(name, version)
        raise


def _upload_bundle(
    client: mlflow.MlflowClient, result: TrainingResult, plots: Sequence[Plot]
) -> Path:
    """Until the version is complete, nobody shall find its bundle under its name."""
    folder = state.trained_bundle(result.spec.name, result.version)
    hidden = folder.with_name(f".{folder.name}.incomplete")
    write_bundle(result, page.render(result, plots), hidden)
    client.log_artifacts(result.run_id, str(hidden), versions.BUNDLE)
    return hidden


def _publish(client: mlflow.MlflowClient, result: TrainingResult, hidden: Path) -> None:
    """Everything that a version must have; the alias last."""
    name, version = result.spec.name, result.version
    own = {tags.KEY: result.key, tags.FINGERPRINT: result.dataset.fingerprint}
    for tag, value in {**own, **tags_of(result), tags.COMPLETE: "true"}.items():
        client.set_model_version_tag(name, version, tag, value)
    client.set_registered_model_alias(name, "challenger", version)
    folder = state.trained_bundle(name, version)
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)
