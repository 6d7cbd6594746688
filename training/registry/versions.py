"""Versions in MLflow: which there are, what they came from, which one is champion, and since when."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import sqlalchemy
from mlflow.exceptions import MlflowException

from service.bundle.exported import Bundle, load_bundle
from service.bundle.manifest import BundleError, read_manifest
from training.common import places
from training.common.errors import RegistryError
from training.common.locks import held

PROMOTIONS = "promotions"
#: Set last, when the version has everything: without it a version is a leftover of a training that was killed.
COMPLETE = "swarmline.complete"
KEY = "swarmline.key"
#: When, by whom and why a version was rejected (training/registry/promotion.py).
REJECTED = "swarmline.rejected"
BUNDLE = "bundle"


class Version(NamedTuple):
    """A registered version that is complete."""

    model: str
    number: str
    run_id: str
    tags: dict[str, str]


class Promotion(NamedTuple):
    """One move of `champion`."""

    at: str
    model: str
    version: str
    replaced: str
    by: str
    why: str


def connect() -> mlflow.MlflowClient:
    """The client of the tracking server or database that `MLFLOW_TRACKING_URI` names."""
    _quiet()
    uri = places.tracking_uri()
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # Two processes that open a new database at once both make its tables, and one fails.
    with held(".mlflow"):
        try:
            _knock(uri)
            client = mlflow.MlflowClient(uri, uri)
        except ImportError as error:
            raise RegistryError(
                f"MLflow at {places.public(uri)} (MLFLOW_TRACKING_URI): {error}"
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


@contextlib.contextmanager
def brief(seconds: int = 4, retries: int = 1) -> Iterator[None]:
    """MLflow's client with little patience; it reads these variables at each request."""
    waits = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries),
        "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    }
    before = {name: os.environ.get(name) for name in waits}
    os.environ.update(waits)
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
    # It names the address that this machine uses; `places.run_page` knows the one for people.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # MLflow's own 7 retries take four minutes to say that nobody is there.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")


def experiment(client: mlflow.MlflowClient, name: str) -> str:
    """The id of an experiment, made where it is missing."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    local = places.tracking_uri().startswith("sqlite:///")
    try:
        place = (places.artifacts() / name).as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:
        # Another training made it in the meantime, or it cannot be made: then this raises.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def versions(client: mlflow.MlflowClient, model: str) -> list[Version]:
    """Complete versions, newest first."""
    found = client.search_model_versions(f"name='{model}'", max_results=1000)
    whole = [
        Version(model, str(one.version), str(one.run_id), one.tags)
        for one in found
        if one.tags.get(COMPLETE) == "true"
    ]
    return sorted(whole, key=lambda one: -int(one.number))


def exists(client: mlflow.MlflowClient, model: str) -> bool:
    return bool(client.search_registered_models(f"name='{model}'", max_results=1))


def with_key(client: mlflow.MlflowClient, model: str, key: str) -> Version | None:
    return next(
        (version for version in versions(client, model) if version.tags.get(KEY) == key), None
    )


def aliases(client: mlflow.MlflowClient, model: str) -> dict[str, str]:
    if not exists(client, model):
        return {}
    found = client.get_registered_model(model).aliases
    return {name: str(version) for name, version in found.items()}


def version(client: mlflow.MlflowClient, model: str, which: str) -> Version:
    """A complete version by number or alias."""
    number = aliases(client, model).get(which, which)
    known = versions(client, model)
    for one in known:
        if one.number == number:
            return one
    there = ", ".join([*aliases(client, model), *(one.number for one in known)])
    raise RegistryError(
        f"{model}: given version {which!r}; allowed: {there or 'none yet; `make train` makes one'}"
    )


def champion_bundle(client: mlflow.MlflowClient, model: str) -> Bundle | None:
    """What serves now, to be measured beside a candidate."""
    if "champion" not in aliases(client, model):
        return None
    return bundle(client, version(client, model, "champion"))


def bundle(client: mlflow.MlflowClient, one: Version) -> Bundle:
    """The bundle of a version, from the local folder where it is whole there, else from MLflow."""
    return load_bundle(fetch(client, one))


def fetch(client: mlflow.MlflowClient, one: Version) -> Path:
    folder = places.trained() / one.model / one.number
    try:
        if read_manifest(folder).run_id == one.run_id:
            return folder
    except BundleError:
        pass
    aside = folder.with_name(f".{folder.name}.fetched")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    downloaded = Path(client.download_artifacts(one.run_id, BUNDLE, str(aside)))
    try:
        read_manifest(downloaded)
    except BundleError as error:
        raise RegistryError(
            f"{one.model}: the bundle of version {one.number} in MLflow is damaged: {error}"
        ) from error
    shutil.rmtree(folder, ignore_errors=True)
    downloaded.rename(folder)
    shutil.rmtree(aside)
    return folder


def promote(client: mlflow.MlflowClient, model: str, which: str, by: str, why: str) -> Promotion:
    """Moves `champion`, and keeps who did it, when and why as a run of the experiment `promotions`."""
    one, before = version(client, model, which), aliases(client, model)
    replaced = before.get("champion", "")
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    moved = Promotion(at, model, one.number, replaced, by, why)
    if replaced == moved.version:
        raise RegistryError(f"{model}: version {moved.version} is the champion already")
    client.set_registered_model_alias(model, "champion", moved.version)
    if before.get("challenger") == moved.version:
        client.delete_registered_model_alias(model, "challenger")
    forgive(client, one)
    name = f"{model} {moved.version}"
    run = client.create_run(
        experiment(client, PROMOTIONS), run_name=name, tags=dict(moved._asdict())
    )
    client.set_terminated(run.info.run_id)
    return moved


def forgive(client: mlflow.MlflowClient, one: Version) -> None:
    """Takes back that a version was rejected."""
    if REJECTED in one.tags:
        client.delete_model_version_tag(one.model, one.number, REJECTED)


def history(client: mlflow.MlflowClient, model: str) -> list[Promotion]:
    """Every champion there was, newest first."""
    found = client.search_runs(
        [experiment(client, PROMOTIONS)],
        f"tags.model = '{model}'",
        max_results=1000,
        # `at` shows seconds; two promotions may share one.
        order_by=["attributes.start_time DESC"],
    )
    return [
        Promotion(**{field: run.data.tags.get(field, "") for field in Promotion._fields})
        for run in found
    ]


def held_out_metrics(client: mlflow.MlflowClient, one: Version) -> dict[str, float]:
    """The metrics of a version as they were recorded, without their intervals."""
    logged = client.get_run(one.run_id).data.metrics
    names = [name for name in logged if name.startswith("held_out.") and name.count(".") == 1]
    return {name.removeprefix("held_out."): logged[name] for name in names}


def comparison(client: mlflow.MlflowClient, model: str) -> list[dict[str, Any]]:
    """Every version with its metrics, newest first."""
    named = {number: name for name, number in aliases(client, model).items()}
    return [
        {
            "version": one.number,
            "alias": named.get(one.number, ""),
            "run_id": one.run_id,
            "tags": {
                name: value for name, value in one.tags.items() if name.startswith("swarmline.")
            },
            "metrics": held_out_metrics(client, one),
        }
        for one in versions(client, model)
    ]
