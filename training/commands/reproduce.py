"""The verb `reproduce`: train a version again from its recorded spec and rows, and compare the predictions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import mlflow
import msgspec
import pandas as pd
from mlflow.exceptions import MlflowException

from service.bundle.engines import Answer
from training.commands.arguments import SKIPPED, Options
from training.commands.fitting import fit
from training.common.errors import NotReproduced, RegistryError
from training.common.locks import training_alone
from training.common.progress import say
from training.common.provenance import lineage
from training.data import dataset
from training.data.dataset import Dataset
from training.fit import compile, recipes
from training.registry import runs, versions
from training.spec.values import Spec


class Reproduction(NamedTuple):
    """`largest` is the largest difference between the predictions of then and now on the held-out rows."""

    model: str
    version: str
    rows: int
    labels_differ: int
    largest: float
    same_code: bool
    same_lock: bool


def reproduce(
    client: mlflow.MlflowClient, model: str, which: str, options: Options
) -> Reproduction:
    one = versions.version(client, model, which)
    with tempfile.TemporaryDirectory() as folder:
        spec, frame = _recorded(client, one, Path(folder))
    made = _dataset(spec, frame, one.tags["swarmline.fingerprint"])
    here = lineage()
    same_code, same_lock = (
        one.tags["swarmline.code"] == here.code,
        one.tags["swarmline.lock"] == here.lock,
    )
    if not (same_code and same_lock):
        say(
            f"{model} {one.number}: was made at {one.tags['swarmline.git_commit']}; code or lock differ here"
        )
    then = versions.bundle(client, one).predict(made.held_out)
    left_out = client.get_run(one.run_id).data.tags.get(SKIPPED, "").split()
    with training_alone(model):
        _, chosen, compiled = fit(
            spec, made, options._replace(skip=frozenset({"search"} & {*left_out}))
        )
    assert compiled is not None  # `fit` without skipping gives one
    say(f"{model} {one.number}: trained again, {chosen.candidate}")
    equality = compared(then, compiled.engine.predict(made.held_out))
    found = Reproduction(
        model,
        one.number,
        equality.rows,
        equality.labels_differ,
        equality.largest,
        same_code,
        same_lock,
    )
    if not equality.proven:
        raise NotReproduced(f"{model} {one.number}: other predictions than recorded: {equality}")
    return found


def compared(then: Answer, now: Answer) -> compile.Equality:
    if then.values.shape != now.values.shape:
        return compile.Equality(len(now.values), len(now.values), float("inf"), 0.0)
    return compile.compare(then, now)


def _recorded(
    client: mlflow.MlflowClient, one: versions.Version, folder: Path
) -> tuple[Spec, pd.DataFrame]:
    try:
        spec = client.download_artifacts(one.run_id, runs.SPEC_FILE, str(folder))
        rows = client.download_artifacts(one.run_id, runs.SNAPSHOT_FILE, str(folder))
    except (MlflowException, OSError) as error:
        why = client.get_run(one.run_id).data.tags.get("swarmline.snapshot", str(error))
        raise RegistryError(
            f"{one.model} {one.number}: has no snapshot to train from: {why}"
        ) from error
    return msgspec.json.decode(Path(spec).read_bytes(), type=Spec), pd.read_parquet(rows)


def _dataset(spec: Spec, frame: pd.DataFrame, fingerprint: str) -> Dataset:
    if spec.task == "optimization":
        return recipes.make(spec, frame, fingerprint)
    return dataset.make(spec, frame, fingerprint)
