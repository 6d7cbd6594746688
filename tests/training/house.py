"""A state folder of its own, and the command line of training on it: in this process, or as one of its own."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dask
import mlflow
import pandas as pd
import pytest
import requests
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from training.__main__ import main
from training.registry import versions as registry

ROOT = Path(__file__).parents[2]
#: Longer than anything here takes on a busy machine; a test that waits as long fails.
PATIENCE = 600.0


class Done(NamedTuple):
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class House:
    """Where one set of tests keeps its state; everything of training that is set by a variable is set here."""

    def __init__(self, folder: Path, **environment: str):
        self.folder = folder
        self.trained, self.bundles = folder / "build/trained", folder / "build/bundles"
        self.environment = {"SWARMLINE_BUILD": str(folder / "build"), **environment}

    def training(self, *arguments: object, **environment: str) -> Done:
        """In this process, which has imported everything already."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with (
            self._set(environment),
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
        given = {**os.environ, **self.environment, **environment}
        with spawned(command, root, given) as process:
            yield process

    @contextlib.contextmanager
    def client(self) -> Iterator[mlflow.MlflowClient]:
        with self._set({}):
            yield registry.connect()

    def versions(self, model: str) -> list[registry.Version]:
        with self.client() as client:
            return registry.versions(client, model)

    def runs(self, model: str) -> list[Any]:
        """The trainings of a model, newest first, without their trials."""
        with self.client() as client:
            experiment = client.get_experiment_by_name(model)
            if experiment is None:
                return []
            found = client.search_runs([experiment.experiment_id])
            return [run for run in found if "mlflow.parentRunId" not in run.data.tags]

    @contextlib.contextmanager
    def _set(self, more: dict[str, str]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            # MLflow sets them itself once it is connected, for whoever comes next in this process.
            for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
                patch.setenv(name, "")
            for name, value in {**self.environment, **more}.items():
                patch.setenv(name, value)
            yield


@contextlib.contextmanager
def spawned(
    command: list[str], folder: Path, environment: dict[str, str], **where: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process and all that it starts, ended by the group that it leads."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **where}
    # The child does nothing else before it becomes the command.
    # pylint: disable-next=subprocess-popen-preexec-fn
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
        **pipes,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _heed_interrupts() -> None:
    """As a terminal starts it: what a script runs in the background is told to ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives once it holds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s in vain for {what}"
        time.sleep(0.05)
    return found


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


def toml(raw: dict[str, Any]) -> str:
    return "\n".join(
        f"{json.dumps(key, ensure_ascii=False)} = {_toml(value)}" for key, value in raw.items()
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(
                f"{json.dumps(key, ensure_ascii=False)} = {_toml(item)}"
                for key, item in value.items()
            )
            + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.ConnectionError:
        return False


@contextlib.contextmanager
def tracking_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """MLflow's own server on loopback, once it answers: its address and process."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    store = [f"--backend-store-uri=sqlite:///{folder}/mlflow.db"]
    store += [f"--artifacts-destination={folder}/artifacts", f"--port={port}", "--workers=1"]
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", *store]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Its workers for jobs of MLflow's own take longer to start than all the rest.
    given = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with spawned(command, ROOT, given, **quiet) as server:
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
