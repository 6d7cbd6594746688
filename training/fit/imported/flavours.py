"""An MLflow model as ONNX: its flavour `onnx` as it is, others by their own exporter where that is installed.

Nothing that holds a pickle is opened.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from numpy.typing import NDArray

from service.bundle.contract import Matrix
from training.common import state
from training.common.errors import first_line
from training.fit.imported.file import ImportRefused
from training.fit.imported.source import MLMODEL
from training.spec.values import Spec

#: What onnxmltools writes; our own candidates are compiled to the same.
TARGET_OPSET = 15
INSTEAD = "export it to ONNX where it was trained, and log that with mlflow.onnx.log_model"


#: What a library answers to rows: probabilities, or numbers.
Answers = Callable[[Matrix], NDArray[Any]]


class Exported(NamedTuple):
    """An ONNX file, and the model that it was exported from here, if it was."""

    file: Path
    original: Answers | None = None


class _Saved(NamedTuple):
    """A model file of a flavour, and what MLflow says of it."""

    file: Path
    about: dict[str, Any]
    width: int


def onnx_file(spec: Spec, folder: Path) -> Exported:
    """The ONNX file of an MLflow model, written to the build folder where its flavour is another."""
    flavours = _flavours(folder)
    if "onnx" in flavours:
        return Exported(_inside(folder, flavours["onnx"]))
    name = next((each for each in EXPORTERS if each in flavours), "")
    if not name:
        names = ", ".join(sorted(flavours)) or "none"
        raise ImportRefused(
            f"{folder}: is an MLflow model with the flavours {names}; allowed: onnx, {', '.join(EXPORTERS)};"
            f" {INSTEAD}"
        )
    target = state.build() / "imported" / f"{spec.name}.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    saved = _Saved(_inside(folder, flavours[name]), flavours[name], len(spec.contract().features))
    try:
        return Exported(target, EXPORTERS[name](saved, target))
    except ImportError as error:
        raise ImportRefused(
            f"{folder}: its flavour is {name}, and {error.name or name} is not installed here; {INSTEAD}"
        ) from error
    # What these libraries raise for a model that they cannot export is their own affair.
    except Exception as error:  # pylint: disable=broad-exception-caught
        if isinstance(error, ImportRefused):
            raise
        raise ImportRefused(
            f"{folder}: its flavour {name} cannot be exported: {first_line(error)}; {INSTEAD}"
        ) from error


def _flavours(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        document = yaml.safe_load((folder / MLMODEL).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ImportRefused(f"{folder / MLMODEL}: cannot be read: {first_line(error)}") from error
    flavours = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavours, dict):
        raise ImportRefused(f"{folder / MLMODEL}: names no flavours; allowed: what MLflow writes")
    return {str(name): about for name, about in flavours.items() if isinstance(about, dict)}


def _inside(folder: Path, about: dict[str, Any]) -> Path:
    """A flavour's file: in the model's folder, whatever the folder says."""
    named = str(about.get("data", about.get("model_path", "")))
    path = (folder / named).resolve()
    if not named or not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ImportRefused(f"{folder}: names {named!r} as its model; allowed: a file inside it")
    return path


def _lightgbm(saved: _Saved, target: Path) -> Answers:
    if saved.file.suffix != ".lgb":
        raise ImportRefused(
            f"{saved.file}: is a scikit-learn estimator of LightGBM; allowed: its booster, logged with"
            " mlflow.lightgbm.log_model(model.booster_)"
        )
    lightgbm, onnxmltools = _library("lightgbm"), _library("onnxmltools")
    booster = lightgbm.Booster(model_file=str(saved.file))
    options = {"target_opset": TARGET_OPSET, "zipmap": False}
    _write(onnxmltools.convert_lightgbm(booster, initial_types=_rows(saved), **options), target)
    return booster.predict  # type: ignore[no-any-return]


def _xgboost(saved: _Saved, target: Path) -> Answers:
    xgboost, onnxmltools = _library("xgboost"), _library("onnxmltools")
    kinds = {kind: getattr(xgboost, kind) for kind in ("XGBClassifier", "XGBRegressor", "Booster")}
    kind = str(saved.about.get("model_class", "")).rpartition(".")[2]
    if kind not in kinds:
        raise ImportRefused(f"{saved.file}: is a {kind}; allowed: {', '.join(kinds)}")
    model = kinds[kind]()
    model.load_model(str(saved.file))
    booster = model if kind == "Booster" else model.get_booster()
    # The exporter knows features by number alone.
    booster.feature_names = None
    _write(
        onnxmltools.convert_xgboost(model, initial_types=_rows(saved), target_opset=TARGET_OPSET),
        target,
    )
    if kind == "Booster":
        return lambda matrix: booster.predict(xgboost.DMatrix(matrix))
    return getattr(model, "predict_proba", model.predict)  # type: ignore[no-any-return]


def _catboost(saved: _Saved, target: Path) -> Answers:
    catboost = _library("catboost")
    kinds = {kind: getattr(catboost, kind) for kind in ("CatBoostClassifier", "CatBoostRegressor")}
    kind = str(saved.about.get("model_type", ""))
    if kind not in kinds:
        raise ImportRefused(f"{saved.file}: is a {kind}; allowed: {', '.join(kinds)}")
    model = kinds[kind]()
    model.load_model(str(saved.file), format=str(saved.about.get("save_format") or "cbm"))
    model.save_model(str(target), format="onnx")
    return getattr(model, "predict_proba", model.predict)  # type: ignore[no-any-return]


#: The flavours whose files are no pickles.
EXPORTERS: dict[str, Callable[[_Saved, Path], Answers]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
}


def _library(name: str) -> Any:
    """One that need not be installed."""
    return importlib.import_module(name)


def _rows(saved: _Saved) -> list[Any]:
    types = importlib.import_module("onnxmltools.convert.common.data_types")
    return [("rows", types.FloatTensorType([None, saved.width]))]


def _write(model: Any, target: Path) -> None:
    target.write_bytes(model.SerializeToString())
