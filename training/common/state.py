"""Where state lies: all below one folder, each place by a variable (an empty one counts as not set). And locks."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from outside.address import is_sound, public
from training.common.errors import RegistryError
from training.common.progress import say


def build() -> Path:
    return Path(os.environ.get("SWARMLINE_BUILD") or "build").resolve()


def trained() -> Path:
    """Bundles as training writes them, or fetches them from MLflow; nothing is served from here."""
    return Path(os.environ.get("SWARMLINE_TRAINED") or build() / "trained").resolve()


def trained_bundle(model: str, version: str) -> Path:
    return trained() / model / version


def bundles() -> Path:
    """The exported set, which the service reads."""
    return Path(os.environ.get("SWARMLINE_BUNDLES") or build() / "bundles").resolve()


def reports() -> Path:
    return Path(os.environ.get("SWARMLINE_REPORTS") or build() / "reports").resolve()


def artifacts() -> Path:
    """Where artifacts go when MLflow is a local database; a server keeps its own."""
    return build() / "artifacts"


def tracking_uri() -> str:
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{build() / 'mlflow.db'}"
    if not is_sound(uri):
        raise RegistryError(
            f"MLFLOW_TRACKING_URI: given {public(uri)}, in which name, password, host and port cannot be told apart;"
            " percent-encode what is special (@ is %40), or give MLFLOW_TRACKING_USERNAME and"
            " MLFLOW_TRACKING_PASSWORD"
        )
    return uri


def tracking_file() -> Path | None:
    """The database file of MLflow, where it has one."""
    uri = tracking_uri()
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def run_page(experiment_id: str, run_id: str) -> str:
    """Where people see a run; empty where MLflow is no server.

    A build may reach MLflow by an address that only machines inside the Swarm can open.
    """
    address = os.environ.get("SWARMLINE_MLFLOW_PAGES") or public(tracking_uri())
    if not address.startswith("http"):
        return ""
    return f"{address.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


@contextlib.contextmanager
def lock(name: str, waiting: str = "") -> Iterator[None]:
    """One process at a time on this machine; the lock goes with its process, however that ends.

    Where another one has it, `waiting` is said and waited.
    """
    path = build() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def training_lock(model: str) -> contextlib.AbstractContextManager[None]:
    """One training of a model at a time: the second has what the first one trained."""
    return lock(model, f"{model}: another training of it is running; waiting for it")
