"""The key `import.model` with an address of MLflow's: a registered model from elsewhere becomes a version of ours."""

from __future__ import annotations

from pathlib import Path

import mlflow
import onnx
import pytest

from tests.support.foreign_models import forest
from tests.support.plants import plants
from tests.support.toml import toml
from tests.support.training import Workspace
from training.common.errors import RegistryError
from training.fit.imported.file import ImportRefused
from training.fit.imported.source import content
from training.registry.imports import fetch
from training.spec.load import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning:mlflow"),
]


def logged(workspace: Workspace, zipmap: bool) -> None:
    """A new version of the model `outside`, by whoever trains without us."""
    model = onnx.load_model_from_string(forest(plants()["grade"], zipmap))
    with workspace.client() as client:
        with mlflow.start_run(experiment_id=client.create_experiment(f"theirs {zipmap}")):
            mlflow.onnx.log_model(
                model, name="model", registered_model_name="outside", pip_requirements=[]
            )
        version = client.get_latest_versions("outside")[0].version
        client.set_registered_model_alias("outside", "best", version)


def spec_of_import(folder: Path, model: str) -> Path:
    plants().to_csv(folder / "plants.csv", index=False)
    raw = {
        "name": "inside",
        "task": "classification",
        "data": {"source": str(folder / "plants.csv"), "target": "grade", "split": "stratified"},
        "columns": {
            "kind": {"type": "category", "categories": ["herb", "tree"]},
            "light": {"type": "number", "minimum": 0, "maximum": 10},
            "leaves": {"type": "integer", "minimum": 0},
            "watered": {"type": "boolean"},
        },
        "import": {"model": model},
        "gates": {"metrics": {"accuracy": {"min": 0.5}}},
    }
    path = folder / "inside.toml"
    path.write_text(toml(raw), encoding="utf-8")
    return path


def test_a_registered_model_becomes_a_version_and_an_alias_that_moves_trains_anew(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path)
    logged(workspace, zipmap=True)
    path = spec_of_import(tmp_path, "models:/outside@best")

    def train() -> str:
        done = workspace.training("train", "--json", path)
        assert done.code == 0, done.err
        status: str = done.document[0]["status"]
        return status

    assert [train(), train()] == ["trained", "unchanged"]
    logged(workspace, zipmap=False)
    assert train() == "trained"


def test_a_version_that_mlflow_has_not_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    spec = find(str(spec_of_import(tmp_path, "models:/nobody/7")))
    with workspace.client(), pytest.raises(RegistryError, match="inside: import.model: models:/no"):
        fetch(spec)
    with pytest.raises(ImportRefused, match="has no file MLmodel"):
        content(spec)
