"""A workspace for training: a state folder of its own, with the command line in this process or as one of its own."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import mlflow
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from tests.support import ROOT
from tests.support.machine import free_port
from tests.support.processes import PATIENCE, Done, answers, spawned, wait_until
from tests.support.toml import toml
from training.__main__ import main
from training.registry import versions
from training.registry.client import connect


class Workspace:
    """Where one set of tests keeps its state; everything of training that is set by a variable is set here."""

    def __init__(self, folder: Path, **environment: str):
        self.folder = folder
        self.trained, self.bundles = folder / "build/trained", folder / "build/bundles"
        self.environment = {"SWARMLINE_BUILD": str(folder / "build"), **environment}

    def training(self, *arguments: object, **environment: str) -> Done:
        """In this process, which has imported everything already."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with (
            self.set(environment),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            # What MLflow uses in old ways is MLflow's to mend.
            warnings.filterwarnings("ignore", module=r"mlflow\.")
            code = main([str(argument) for argument in arguments])
        out.seek(0)
        return Done(code, out.read(), err.getvalue())

    def process(self, *arguments: object, root: Path = ROOT, **environment: str) -> Done:
        """`python -m training` as anybody calls it."""
        with self.started(*arguments, root=root, **environment) as running:
            out, err = running.communicate(timeout=PATIENCE)
        return Done(running.returncode, out, err)

    @contextlib.contextmanager
    def started(
        self, *arguments: object, root: Path = ROOT, **environment: str
    ) -> Iterator[subprocess.Popen[str]]:
        """The same while it runs; what it started is ended with it."""
        command = [sys.executable, "-m", "training", *map(str, arguments)]
        complete = {**os.environ, **self.environment, **environment}
        with spawned(command, root, complete) as process:
            yield process

    @contextlib.contextmanager
    def client(self) -> Iterator[mlflow.MlflowClient]:
        with self.set({}):
            yield connect()

    def versions(self, model: str) -> list[versions.Version]:
        with self.client() as client:
            return versions.newest_first(client, model)

    def runs(self, model: str) -> list[Any]:
        """The trainings of a model, newest first, without their trials."""
        with self.client() as client:
            experiment = client.get_experiment_by_name(model)
            if experiment is None:
                return []
            runs = client.search_runs([experiment.experiment_id])
            return [run for run in runs if "mlflow.parentRunId" not in run.data.tags]

    @contextlib.contextmanager
    def set(self, more: dict[str, str]) -> Iterator[None]:
        """The variables of this workspace, and these, for what runs inside."""
        with pytest.MonkeyPatch.context() as patch:
            # MLflow sets them itself once it is connected, for whoever comes next in this process.
            for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
                patch.setenv(name, "")
            for name, value in {**self.environment, **more}.items():
                patch.setenv(name, value)
            yield


LOADERS = {"wine": load_wine, "diabetes": load_diabetes, "breast-cancer": load_breast_cancer}


def rows_of(name: str) -> pd.DataFrame:
    """A data set of scikit-learn as a table, classes by name."""
    loaded = LOADERS[name](as_frame=True)
    if name == "diabetes":
        return loaded.frame
    names = {number: str(label) for number, label in enumerate(loaded.target_names)}
    return loaded.frame.assign(target=loaded.frame["target"].map(names))


#: Wine by four of its columns and one candidate: the cheapest training that has everything.
SMALL = {
    "name": "wine",
    "task": "classification",
    "data": {"source": "wine.csv", "target": "target", "split": "stratified"},
    "columns": {
        "alcohol": {"type": "number", "minimum": 10, "maximum": 16},
        "flavanoids": {"type": "number", "minimum": 0, "maximum": 7},
        "hue": {"type": "number", "minimum": 0, "maximum": 2},
        "proline": {"type": "integer", "minimum": 200, "maximum": 2000},
    },
    "search": {"candidates": ["linear"], "budget": 1, "folds": 2},
    "gates": {"metrics": {"accuracy": {"min": 0.5}}},
}


def write_spec(folder: Path, name: str, source: str | Path, **sections: Any) -> Path:
    """The small spec under another name, with sections replaced."""
    raw = {**SMALL, "name": name, **sections}
    raw["data"] = {**SMALL["data"], "source": str(source), **sections.get("data", {})}
    path = folder / f"{name}.toml"
    path.write_text(toml(raw), encoding="utf-8")
    return path


@contextlib.contextmanager
def tracking_server(
    folder: Path, host: str = "127.0.0.1"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """MLflow's own server, once it answers: its address and process."""
    port = free_port(host)
    uri = f"http://{host}:{port}"
    store = [f"--backend-store-uri=sqlite:///{folder}/mlflow.db"]
    store += [f"--artifacts-destination={folder}/artifacts", f"--port={port}", "--workers=1"]
    command = [sys.executable, "-m", "mlflow", "server", f"--host={host}", *store]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Its workers for jobs of MLflow's own take longer to start than all the rest.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with spawned(command, ROOT, environment, **quiet) as server:
        wait_until(
            lambda: server.poll() is not None or answers(f"{uri}/health"), "the tracking server"
        )
        assert server.poll() is None
        yield uri, server


def impatient() -> contextlib.AbstractContextManager[Any]:
    """Dask waits a second for a scheduler, not half a minute."""
    # Its own settings first: those that come while others are set would go with them.
    importlib.import_module("distributed")
    waits: contextlib.AbstractContextManager[Any] = dask.config.set(
        {"distributed.comm.timeouts.connect": "1s"}
    )
    return waits
