"""The complete versions of a model in MLflow: all, by number or alias, by run key; their metrics and bundles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import mlflow

from service.bundle.exported import Bundle, load_bundle
from service.bundle.manifest import BundleError, UntrustedBundle, read_manifest
from training.common import state
from training.common.errors import RegistryError
from training.common.progress import say
from training.fit.candidates import trust
from training.registry import tags
from training.spec.values import Spec

#: The folder of a run's artifacts that is its bundle.
BUNDLE = "bundle"


class Version(NamedTuple):
    """A registered version that is complete."""

    model: str
    number: str
    run_id: str
    tags: dict[str, str]


def exists(client: mlflow.MlflowClient, model: str) -> bool:
    return bool(client.search_registered_models(f"name='{model}'", max_results=1))


def aliases(client: mlflow.MlflowClient, model: str) -> dict[str, str]:
    if not exists(client, model):
        return {}
    named = client.get_registered_model(model).aliases
    return {name: str(number) for name, number in named.items()}


def newest_first(client: mlflow.MlflowClient, model: str) -> list[Version]:
    """All complete versions."""
    registered = client.search_model_versions(f"name='{model}'", max_results=1000)
    versions = [
        Version(model, str(version.version), str(version.run_id), version.tags)
        for version in registered
        if version.tags.get(tags.COMPLETE) == "true"
    ]
    return sorted(versions, key=lambda version: -int(version.number))


def with_key(client: mlflow.MlflowClient, model: str, key: str) -> Version | None:
    versions = newest_first(client, model)
    return next((version for version in versions if version.tags.get(tags.KEY) == key), None)


def find(client: mlflow.MlflowClient, model: str, which: str) -> Version:
    """A complete version by number or alias."""
    named, versions = aliases(client, model), newest_first(client, model)
    for version in versions:
        if version.number == named.get(which, which):
            return version
    allowed = ", ".join([*named, *(version.number for version in versions)])
    raise RegistryError(
        f"{model}: given version {which!r}; allowed: {allowed or 'none yet; `make train` makes one'}"
    )


def champion_bundle(client: mlflow.MlflowClient, spec: Spec) -> Bundle | None:
    """The version that serves, to be measured beside a candidate; none whose types this training does not trust."""
    if "champion" not in aliases(client, spec.name):
        return None
    version = find(client, spec.name, "champion")
    try:
        return bundle(client, version, spec)
    except UntrustedBundle as error:
        say(f"{spec.name}: not measured beside its champion, version {version.number}: {error}")
        return None


def bundle(client: mlflow.MlflowClient, version: Version, spec: Spec) -> Bundle:
    """It may hold types of the spec's own code, which ran here anyhow, and of what the environment trusts."""
    return load_bundle(fetch(client, version), trust.packages_of(spec))


def fetch(client: mlflow.MlflowClient, version: Version) -> Path:
    """The folder of a version's bundle: the local one where it is whole, else from MLflow."""
    folder = state.trained_bundle(version.model, version.number)
    try:
        if read_manifest(folder).run_id == version.run_id:
            return folder
    except BundleError:
        pass
    aside = folder.with_name(f".{folder.name}.fetched")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    downloaded = Path(client.download_artifacts(version.run_id, BUNDLE, str(aside)))
    try:
        read_manifest(downloaded)
    except BundleError as error:
        raise RegistryError(
            f"{version.model}: the bundle of version {version.number} in MLflow is damaged: {error}"
        ) from error
    shutil.rmtree(folder, ignore_errors=True)
    downloaded.rename(folder)
    shutil.rmtree(aside)
    return folder


def held_out_metrics(client: mlflow.MlflowClient, version: Version) -> dict[str, float]:
    """The metrics of a version as they were recorded, without their intervals."""
    logged = client.get_run(version.run_id).data.metrics
    names = [name for name in logged if name.startswith("held_out.") and name.count(".") == 1]
    return {name.removeprefix("held_out."): logged[name] for name in names}


def comparison(client: mlflow.MlflowClient, model: str) -> list[dict[str, Any]]:
    """Every version with its metrics, newest first."""
    named = {number: name for name, number in aliases(client, model).items()}
    return [
        {
            "version": version.number,
            "alias": named.get(version.number, ""),
            "run_id": version.run_id,
            "tags": {
                name: value for name, value in version.tags.items() if name.startswith(tags.PREFIX)
            },
            "metrics": held_out_metrics(client, version),
        }
        for version in newest_first(client, model)
    ]
