"""The command `reproduce`: train a version again from its recorded spec and rows, and compare the predictions."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import mlflow
import msgspec
import pandas as pd
from mlflow.exceptions import MlflowException

from training.commands.arguments import answer
from training.common import state
from training.common.errors import NotReproduced, RegistryError
from training.common.progress import say
from training.common.provenance import provenance
from training.data.dataset import Dataset, encode_and_split
from training.fit import recipes
from training.fit.compile.compile import Equality, compare
from training.fit.fit import fit
from training.registry import imports, runs, tags, versions
from training.registry.client import connect
from training.registry.versions import Version
from training.spec.values import Spec


def reproduce(arguments: Namespace) -> None:
    client = connect()
    version = versions.find(client, arguments.model, arguments.version)
    name, here = f"{version.model} {version.number}", provenance()
    dataset, spec = _recorded(client, version)
    same_code = version.tags[tags.CODE] == here.code
    same_lock = version.tags[tags.LOCK] == here.lock
    if not (same_code and same_lock):
        say(f"{name}: was made at {version.tags[tags.GIT_COMMIT]}; code or lock differ here")
    equality = _train_again(client, version, dataset, spec)
    if not equality.proven:
        raise NotReproduced(f"{name}: other predictions than recorded: {equality}")
    document = {
        "model": version.model,
        "version": version.number,
        "rows": equality.rows,
        "labels_differ": equality.labels_differ,
        "largest": equality.largest,
        "same_code": same_code,
        "same_lock": same_lock,
    }
    text = f"{name}: reproduced on {equality.rows} rows, largest difference {equality.largest:.1e}"
    answer(arguments, document, text)


def _train_again(
    client: mlflow.MlflowClient, version: Version, dataset: Dataset, spec: Spec
) -> Equality:
    """How far the predictions of now are from those of then, on the held-out rows."""
    then = versions.bundle(client, version, spec).predict(dataset.held_out)
    skipped = client.get_run(version.run_id).data.tags.get(tags.SKIPPED, "").split()
    with state.training_lock(version.model):
        imports.fetch(spec)
        searching = "search" not in skipped
        # Which trials a budget of seconds bears, differs from one machine and hour to the next.
        timed = searching and spec.search.budget_seconds is not None
        recorded = runs.recorded_search(client, version.run_id) if timed else None
        fitted = fit(spec, dataset, searching=searching, recorded=recorded)
    say(f"{version.model} {version.number}: trained again, {fitted.chosen.candidate}")
    threshold = fitted.finished.threshold
    again = fitted.answer_held_out(dataset.held_out)
    return compare(then, again, threshold.value if threshold else None)


def _recorded(client: mlflow.MlflowClient, version: Version) -> tuple[Dataset, Spec]:
    """The rows and the spec of then."""
    fingerprint = version.tags[tags.FINGERPRINT]
    with tempfile.TemporaryDirectory() as folder:
        try:
            file = client.download_artifacts(version.run_id, runs.SPEC_FILE, folder)
            rows = client.download_artifacts(version.run_id, runs.SNAPSHOT_FILE, folder)
        except (MlflowException, OSError) as error:
            why = client.get_run(version.run_id).data.tags.get(tags.SNAPSHOT, str(error))
            raise RegistryError(
                f"{version.model} {version.number}: has no snapshot to train from: {why}"
            ) from error
        spec, frame = msgspec.json.decode(Path(file).read_bytes(), type=Spec), pd.read_parquet(rows)
    make = recipes.make_dataset if spec.task == "optimization" else encode_and_split
    return make(spec, frame, fingerprint), spec
