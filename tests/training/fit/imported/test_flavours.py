"""The key `import.model`: MLflow models by folder and flavour; none that is a pickle is opened."""

# pylint: disable=line-too-long  # a case is one line: what is imported, and what is said of it

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import onnx
import pytest

from tests.support.foreign_models import matrix, network
from tests.support.plants import SpecOf, dataset_of, plants
from training.fit.fit import Fitted, fit
from training.fit.imported.file import ImportRefused

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning:mlflow")


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path / "build"))


def imported(spec_of: SpecOf, folder: Path, **changes: Any) -> Fitted:
    spec = spec_of(search=None, **{"import": {"model": str(folder)}}, **changes)
    return fit(spec, dataset_of(spec))


def test_the_flavour_onnx_as_mlflow_writes_it(classes_of: SpecOf, tmp_path: Path) -> None:
    model = onnx.load_model_from_string(network("Softmax", 2))
    mlflow.onnx.save_model(model, str(tmp_path / "model"), pip_requirements=[])
    answer = imported(classes_of, tmp_path / "model").predict(matrix())
    assert answer.probabilities is not None and answer.probabilities.shape == (300, 2)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_booster_of_lightgbm(
    classes_of: SpecOf, spec_of: SpecOf, tmp_path: Path, task: str
) -> None:
    classes = task == "classification"
    target = (plants()["grade"] == "B").astype(int) if classes else plants()["weight"]
    options = {"objective": "binary" if classes else "l2", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(matrix(), target), num_boost_round=5)
    mlflow.lightgbm.save_model(booster, str(tmp_path / "model"), pip_requirements=[])
    answer = imported(classes_of if classes else spec_of, tmp_path / "model").predict(matrix())
    got = answer.probabilities[:, 1] if answer.probabilities is not None else answer.values[:, 0]
    assert np.abs(got - booster.predict(matrix())).max() < 1e-4


def test_an_export_that_answers_otherwise_than_the_library_is_refused(
    spec_of: SpecOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = lightgbm.Dataset(matrix(), plants()["weight"])
    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, data, num_boost_round=3)
    mlflow.lightgbm.save_model(booster, str(tmp_path / "model"), pip_requirements=[])
    wrong = onnx.load_model_from_string(network("Identity", 1))
    monkeypatch.setattr("onnxmltools.convert_lightgbm", lambda *_, **__: wrong)
    with pytest.raises(ImportRefused, match="answers otherwise than the library by up to"):
        imported(spec_of, tmp_path / "model")


def described(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "MLmodel").write_text(text, encoding="utf-8")
    (folder / "model.bin").write_bytes(b"\x80\x04anything")
    return folder


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("flavors: {pytorch: {model_data: data}, python_function: {}}", "with the flavours python_function, pytorch; allowed: onnx, .*mlflow.onnx.log_model"),
        ("flavors: {sklearn: {pickled_model: model.bin}}", "with the flavours sklearn; allowed: onnx"),
        ("flavors: {xgboost: {data: model.bin, model_class: xgboost.core.Booster}}", "its flavour is xgboost, and xgboost is not installed here; export it to ONNX"),
        ("flavors: {catboost: {data: model.bin}}", "its flavour is catboost, and catboost is not installed here"),
        ("flavors: {lightgbm: {data: model.bin}}", "model.bin: is a scikit-learn estimator of LightGBM; allowed: its booster"),
        ("flavors: {onnx: {data: ../../outside.onnx}}", "names '../../outside.onnx' as its model; allowed: a file inside it"),
        ("flavors: {onnx: {data: /etc/passwd}}", "names '/etc/passwd' as its model"),
        ("flavors: {onnx: {}}", "names '' as its model"),
        ("flavors: [onnx]", "names no flavours"),
        ("!!python/object/apply:os.system ['true']", "MLmodel: cannot be read"),
    ],
)  # fmt: skip
def test_another_flavour_is_refused_with_what_to_do(
    classes_of: SpecOf, tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ImportRefused, match=reason):
        imported(classes_of, described(tmp_path / "model", text))


def test_a_folder_that_is_no_model_is_named(classes_of: SpecOf, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="import.model: given .* has no file MLmodel"):
        imported(classes_of, tmp_path)
