"""The version as MLflow loads and serves it: contract and model file of its bundle behind the service's own encoder."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from service.bundle.contract import Column, Contract
from service.bundle.engines import MODEL_FILES, TRUSTED_PACKAGES, EngineName
from training.common.files import pretty
from training.common.own_code import package_of, places_of
from training.common.provenance import LOCK, ROOT
from training.fit.candidates.trust import packages_of
from training.judge.result import TrainingResult
from training.registry.client import environment

#: The model's code. By its path: importing it would make it MLflow's current model.
CODE = Path(__file__).with_name("mlflow_code.py")
#: The package of ours that `mlflow_code` imports from; it imports nothing else of ours.
SHARED = "service/bundle"
NEEDED = ("mlflow", "msgspec", "numpy", "pandas")
NEEDED_BY: dict[EngineName, tuple[str, ...]] = {
    "onnx": ("onnxruntime",),
    "skops": ("scikit-learn", "scipy", "skops"),
}


def log_model(result: TrainingResult, example: list[dict[str, Any]]) -> str:
    """Logs the model to the active run with signature and example rows; its URI comes back."""
    compiled, contract = result.fitted.compiled, result.dataset.contract
    assert compiled is not None  # nothing is registered that was not compiled
    with tempfile.TemporaryDirectory() as aside:
        model, code = Path(aside) / "model", Path(aside) / "service"
        model.mkdir()
        (model / "contract.json").write_bytes(pretty(contract))
        shutil.copy(compiled.folder / MODEL_FILES[compiled.engine_name], model)
        _copy_shared_code(code)
        # MLflow loads the model to try it, as anybody does later: by the packages that the environment trusts.
        trusted = {TRUSTED_PACKAGES: " ".join(packages_of(result.spec))}
        with warnings.catch_warnings(), _same_path(), environment(**trusted):
            # MLflow would derive a signature from the type hints of `predict`; it gets a better one here.
            warnings.filterwarnings("ignore", "(?s).*type hint")
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(CODE),
                artifacts={"model": str(model)},
                code_paths=[str(code), *_own_code(result)],
                signature=signature(contract),
                input_example=pd.DataFrame(example, dtype=object),
                pip_requirements=_pinned((*NEEDED, *NEEDED_BY[compiled.engine_name])),
            )
    return str(logged.model_uri)


def _copy_shared_code(service: Path) -> None:
    shutil.copytree(ROOT / SHARED, service / "bundle", ignore=shutil.ignore_patterns("__pycache__"))
    (service / "__init__.py").touch()


@contextlib.contextmanager
def _same_path() -> Iterator[None]:
    """MLflow loads the model to try it, and leaves its folder, soon gone, before everything else to import from."""
    path = sys.path
    yield
    sys.path = path


def _own_code(result: TrainingResult) -> list[str]:
    """Own code that the model's types are of, for where MLflow loads it."""
    compiled = result.fitted.compiled
    packages = compiled.packages if compiled else ()
    names = [name for name in result.spec.own_functions if package_of(name) in packages]
    return [str(place) for place in places_of(names)]


def signature(contract: Contract) -> ModelSignature:
    """The columns by name.

    MLflow refuses a whole number for its `double`, and makes false of a boolean that is missing: only texts have a
    type that takes all that the contract allows. The encoder judges the rest, and names column and value.
    """
    kind = DataType.string if contract.classes else DataType.double
    return ModelSignature(
        Schema([_column_type(column) for column in contract.columns]),
        Schema([ColSpec(kind, output.name) for output in contract.outputs]),
    )


def _column_type(column: Column) -> ColSpec:
    text = column.type == "category"
    kind = DataType.string if text else AnyType()  # type: ignore[no-untyped-call]
    return ColSpec(kind, column.name, required=not column.nullable)


def _pinned(names: tuple[str, ...]) -> list[str]:
    """The lock's versions of these packages, so that MLflow need not guess them."""
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    lines = (
        re.search(rf"^{re.escape(name)}==[^\s;\\]+", text, flags=re.MULTILINE) for name in names
    )
    return [line[0] for line in lines if line is not None]
