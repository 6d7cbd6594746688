"""MLflow, as the scripts reach it: its client, and where what they tell it goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import requests

from outside.address import public
from scripts.command import files
from scripts.command.address import sound
from scripts.command.outcome import Refused


def uri() -> str:
    named = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{files.build() / 'mlflow.db'}"
    return sound("MLFLOW_TRACKING_URI", named)


def client() -> tuple[Any, tuple[type[Exception], ...]]:
    """MLflow's client, once something answers there: it would try again for minutes. And what it raises."""
    place = uri()
    if place.startswith("http"):
        try:
            requests.get(f"{place}/health", timeout=5)
        except requests.RequestException as error:
            raise Refused(f"no MLflow answers at {public(place)}") from error
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
    # Takes seconds to import; only who writes the ledger waits for it.
    from mlflow import MlflowClient  # pylint: disable=import-outside-toplevel
    from mlflow.exceptions import MlflowException  # pylint: disable=import-outside-toplevel

    return MlflowClient(place, place), (MlflowException, requests.RequestException)


def experiment(mlflow: Any, name: str) -> str:
    """The id of an experiment, made where it lacks."""
    existing = mlflow.get_experiment_by_name(name)
    if existing:
        return str(existing.experiment_id)
    return str(mlflow.create_experiment(name, artifact_location=_artifacts(name)))


def _artifacts(name: str) -> str | None:
    """Beside the database, as the models' own are; a server keeps its artifacts itself."""
    scheme, _, database = uri().partition(":///")
    if scheme.startswith("http"):
        return None
    folder = Path(database).parent if scheme == "sqlite" and database else files.build()
    return (folder / "artifacts" / name).resolve().as_uri()
