"""A registered version: MLflow's own copy, and the bundle that the service takes."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from service.bundle.engines import MODEL_FILES
from service.bundle.manifest import Manifest
from training.bundle import reference
from training.card import page as card
from training.common import failures, places
from training.fit import compile
from training.judge.result import Facts
from training.registry import mlflow_model, versions
from training.registry.runs import tags_of


def register(client: mlflow.MlflowClient, facts: Facts) -> Facts:
    """A new version with its bundle, alias `challenger`; the same facts with the version's number come back."""
    name = facts.spec.name
    model_uri = mlflow_model.log(facts, golden_rows(facts))
    if not versions.exists(client, name):
        client.create_registered_model(name, description=facts.spec.description)
    made = client.create_model_version(
        name,
        model_uri,
        facts.run_id,
        description=facts.spec.description,
        model_id=model_uri.rpartition("/")[2],
    )
    numbered = facts._replace(version=str(made.version))
    with _whole_or_gone(client, numbered):
        _complete(client, numbered)
    return numbered


@contextlib.contextmanager
def _whole_or_gone(client: mlflow.MlflowClient, facts: Facts) -> Iterator[None]:
    """A version that could not be completed leaves nothing, neither here nor, where it still answers, in MLflow."""
    try:
        yield
    except BaseException:
        for path in _bundle_folder(facts).parent.glob(f".*{facts.version}.incomplete*"):
            shutil.rmtree(path, ignore_errors=True)
        with versions.brief(seconds=1, retries=0), contextlib.suppress(*failures.kinds()):
            client.delete_model_version(facts.spec.name, facts.version)
        raise


def _complete(client: mlflow.MlflowClient, numbered: Facts) -> None:
    """Everything that a version must have; the alias last."""
    name = numbered.spec.name
    # Until the version is complete, nobody shall find it under its name.
    folder = _bundle_folder(numbered)
    hidden = write_bundle(numbered, folder.with_name(f".{folder.name}.incomplete"))
    client.log_artifacts(numbered.run_id, str(hidden), versions.BUNDLE)
    for tag, value in {
        versions.KEY: numbered.key,
        "swarmline.fingerprint": numbered.dataset.fingerprint,
        **tags_of(numbered),
    }.items():
        client.set_model_version_tag(name, numbered.version, tag, value)
    client.set_model_version_tag(name, numbered.version, versions.COMPLETE, "true")
    client.set_registered_model_alias(name, "challenger", numbered.version)
    shutil.rmtree(folder, ignore_errors=True)
    hidden.rename(folder)


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
        "golden.json": compile.golden(contract, compiled.engine, rows),
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
        compile.write_bundle(
            folder, manifest, parts, {model_file: compiled.folder / model_file, page.name: page}
        )
    return folder


def golden_rows(facts: Facts) -> list[dict[str, Any]]:
    """A few held-out rows as callers send them, spread over the range of the truth."""
    held_out = facts.dataset.split.held_out
    truth = facts.dataset.target[held_out]
    order = (truth if truth.ndim == 1 else truth[:, 0]).argsort(kind="stable")
    chosen = held_out[order[:: max(1, len(order) // compile.GOLDEN_ROWS)][: compile.GOLDEN_ROWS]]
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
