"""A registered version as MLflow itself loads and serves it: the same answers as the bundle's, for the same rows."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pandas as pd
import pytest
import requests
from mlflow.exceptions import MlflowException

from service.bundle.exported import Bundle, load_models
from tests.support.machine import free_port
from tests.support.processes import answers, spawned, wait_until
from tests.support.toml import toml
from tests.support.training import Workspace
from training.spec.load import FOLDER

pytestmark = pytest.mark.slow

NAME = "quality-classification"
SMALLER = {
    "data": {"rows": 400},
    "search": {"candidates": ["linear"], "budget": 1, "folds": 2},
    "gates": {},
    "slices": {},
}


class Graded(NamedTuple):
    """The sample farm's grades from few rows: categories, nulls, whole numbers, a boolean."""

    workspace: Workspace
    bundle: Bundle

    @property
    def rows(self) -> list[dict[str, Any]]:
        """As callers send them, one with nothing where nothing is allowed."""
        first = self.bundle.golden.rows[0]
        nullable = [column.name for column in self.bundle.contract.columns if column.nullable]
        return [*self.bundle.golden.rows, {**first, **dict.fromkeys(nullable)}]

    @property
    def expected(self) -> list[str]:
        encoded = self.bundle.encoder.encode_rows(self.rows)
        return [
            self.bundle.contract.classes[number] for number in self.bundle.predict(encoded).values
        ]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    folder = tmp_path_factory.mktemp("graded")
    raw = tomllib.loads((FOLDER / f"{NAME}.toml").read_text(encoding="utf-8"))
    raw["data"] |= SMALLER["data"]
    spec = folder / f"{NAME}.toml"
    spec.write_text(toml(raw | {**SMALLER, "data": raw["data"]}), encoding="utf-8")
    workspace = Workspace(folder)
    done = workspace.training("train", spec, "--promote", "the first")
    assert done.code == 0, done.err
    return Graded(workspace, load_models(workspace.bundles)[NAME].champion)


def test_more_than_one_class_is_answered(graded: Graded) -> None:
    assert len(set(graded.expected)) > 1


def test_mlflow_loads_the_version_and_answers_the_same(graded: Graded) -> None:
    with graded.workspace.client():
        model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    assert model.predict(pd.DataFrame(graded.rows)).tolist() == graded.expected


def test_mlflow_refuses_what_the_contract_refuses_and_names_it(graded: Graded) -> None:
    with graded.workspace.client():
        model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    with pytest.raises(
        MlflowException, match="row 1, column crop: given 'cactus'; allowed: one of"
    ):
        model.predict(pd.DataFrame([graded.rows[0], {**graded.rows[0], "crop": "cactus"}]))


def test_nothing_of_the_version_is_pickled(graded: Graded) -> None:
    artifacts = graded.workspace.folder / "build" / "artifacts"
    endings = {path.suffix for path in artifacts.rglob("*") if path.is_file()}
    assert {".onnx", ".json"} <= endings and not endings & {
        ".pkl",
        ".pickle",
        ".joblib",
        ".cloudpickle",
    }


def test_mlflow_serves_the_version_and_answers_the_same(graded: Graded) -> None:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{NAME}/1"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    uri = f"sqlite:///{graded.workspace.folder}/build/mlflow.db"
    # MLflow starts what it finds in PATH: its environment's own is not activated here.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": path}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Not from here, where the service's modules lie: it has what it needs of them.
    with spawned(command, graded.workspace.folder, environment, **quiet) as server:
        wait_until(
            lambda: server.poll() is not None or answers(f"http://127.0.0.1:{port}/ping"), "MLflow"
        )
        assert server.poll() is None
        asked = {"dataframe_records": graded.rows}
        got = requests.post(f"http://127.0.0.1:{port}/invocations", json=asked, timeout=60)
    assert got.status_code == 200, got.text
    assert got.json() == {"predictions": graded.expected}
