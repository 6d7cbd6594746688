"""Small data and small models that the tests of training share."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from tests.support import plants
from tests.support.own_code import OwnCode, own_code_in
from tests.support.plants import ResultOf, SpecOf
from tests.support.training import Workspace, rows_of, write_spec
from training.judge.result import TrainingResult
from training.spec.values import Spec


@pytest.fixture(scope="session")
def spec_of() -> SpecOf:
    return plants.plant_spec


@pytest.fixture(scope="session")
def classes_of() -> SpecOf:
    return plants.class_spec


@pytest.fixture
def frame() -> pd.DataFrame:
    return plants.plants()


@pytest.fixture(scope="session")
def result_of(tmp_path_factory: pytest.TempPathFactory) -> ResultOf:
    """The result of a spec on `plants`, trained for real."""

    def make(spec: Spec, rows: pd.DataFrame | None = None) -> TrainingResult:
        build = tmp_path_factory.mktemp("build")
        return plants.result_of(spec, plants.dataset_of(spec, rows), build)

    return make


@pytest.fixture(scope="session")
def regression(spec_of: SpecOf, result_of: ResultOf) -> TrainingResult:
    return result_of(spec_of())


@pytest.fixture(scope="session")
def classification(classes_of: SpecOf, result_of: ResultOf) -> TrainingResult:
    return result_of(classes_of())


@pytest.fixture(scope="session")
def optimization(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    spec = plants.recipe_spec()
    return plants.result_of(spec, plants.optima_of(spec), tmp_path_factory.mktemp("build"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnCode]:
    """Own code beside the specs of a test."""
    yield from own_code_in(tmp_path)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Every test here uses a model name of its own."""
    return Workspace(tmp_path_factory.mktemp("command-line"))


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("wine") / "wine.csv"
    rows_of("wine").to_csv(path, index=False)
    return str(path)


class Registered(NamedTuple):
    """Of `fern` two versions are registered, of `moss` one: the first of each was promoted."""

    tracking: str
    specs: dict[str, Path]

    def workspace(self, folder: Path) -> Workspace:
        """A state folder of its own, on the same MLflow."""
        return Workspace(folder, MLFLOW_TRACKING_URI=self.tracking)


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, wine: str) -> Registered:
    """Trained once for all tests of the registry; each sets the aliases and marks that it needs."""
    folder = tmp_path_factory.mktemp("registered")
    specs = {name: write_spec(folder, name, wine) for name in ("fern", "moss", "new")}
    workspace = Workspace(folder)
    for options in (
        (specs["fern"], specs["moss"], "--promote", "the first"),
        (specs["fern"], "--force"),
    ):
        done = workspace.training("train", *options)
        assert done.code == 0, done.err
    return Registered(f"sqlite:///{folder}/build/mlflow.db", specs)
