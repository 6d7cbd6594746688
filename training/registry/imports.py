"""Brings a model of MLflow's, which a spec imports, to this machine."""

from __future__ import annotations

import shutil

import mlflow
from mlflow.exceptions import MlflowException

from training.common.errors import RegistryError
from training.fit.imported.source import fetched, is_at_mlflow
from training.spec.values import Spec


def fetch(spec: Spec) -> None:
    """Each time anew, for an alias may have moved; nothing where the model lies in a file or folder."""
    if spec.imported is None or not is_at_mlflow(spec.imported):
        return
    folder = fetched(spec)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        mlflow.artifacts.download_artifacts(artifact_uri=spec.imported.model, dst_path=str(folder))
    except MlflowException as error:
        raise RegistryError(
            f"{spec.name}: import.model: {spec.imported.model}: {str(error).splitlines()[0]}"
        ) from error
