"""The client of MLflow: connected within seconds or refused with a sentence; quiet; with little patience if asked."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

import mlflow
import sqlalchemy
from mlflow.exceptions import MlflowException

from outside.address import public
from training.common import state
from training.common.errors import RegistryError


def connect() -> mlflow.MlflowClient:
    """The client of the tracking server or database that `MLFLOW_TRACKING_URI` names."""
    _quiet()
    uri, file = state.tracking_uri(), state.tracking_file()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # Two processes that open a new database at once both make its tables, and one fails.
    with state.lock(".mlflow"):
        try:
            _knock(uri)
            client = mlflow.MlflowClient(uri, uri)
        except ImportError as error:
            raise RegistryError(
                f"MLflow at {public(uri)} (MLFLOW_TRACKING_URI): {error}"
            ) from error
        ping(client)
    return client


def _knock(uri: str) -> None:
    """MLflow tries a database server that is away for two minutes before it says so."""
    if not uri.startswith(("postgresql", "mysql", "mssql")):
        return
    os.environ.setdefault("PGCONNECT_TIMEOUT", "8")
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.connect():
        engine.dispose()


def ping(client: mlflow.MlflowClient) -> None:
    """Raises within ten seconds where MLflow does not answer: before work that it shall keep, and after long work."""
    with brief():
        client.search_experiments(max_results=1)


def brief(seconds: int = 4, retries: int = 1) -> contextlib.AbstractContextManager[None]:
    """MLflow's client with little patience; it reads these variables at each request."""
    return environment(
        MLFLOW_HTTP_REQUEST_TIMEOUT=str(seconds),
        MLFLOW_HTTP_REQUEST_MAX_RETRIES=str(retries),
        MLFLOW_HTTP_REQUEST_BACKOFF_JITTER="0",
    )


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """These variables are set inside; then all is as before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})


def _quiet() -> None:
    """MLflow and Alembic narrate at length, errors with a traceback each; what matters is said by training itself."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # It names the address that this machine uses; `state.run_page` knows the one for people.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # MLflow's own 7 retries take four minutes to say that nobody is there.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")


def experiment(client: mlflow.MlflowClient, name: str) -> str:
    """The id of an experiment, made where it is missing."""
    there = client.get_experiment_by_name(name)
    if there is not None:
        return str(there.experiment_id)
    place = (state.artifacts() / name).as_uri() if state.tracking_file() else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:
        # Another training made it in the meantime, or it cannot be made: then this raises.
        there = client.get_experiment_by_name(name)
        if there is None:
            raise
        return str(there.experiment_id)
