"""The model that MLflow loads: contract and model file of a version, read by the service's own encoder and engine.

MLflow copies this file into the model and runs it at every load ("models from code"): nothing is pickled. Of ours it
imports only from the package that training/registry/mlflow_model.py puts beside it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from numpy.typing import NDArray

from service.bundle.contract import Contract, Invalid
from service.bundle.engines import (
    MODEL_FILES,
    TRUSTED_PACKAGES,
    Engine,
    open_engine,
    trusted_packages,
)
from service.bundle.rows.encoder import Encoder


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]  # it has no types
    """Takes columns as callers send them; gives classes by name, a number a row, or several numbers a row."""

    def __init__(self) -> None:
        self._encoder: Encoder
        self._engine: Engine

    def load_context(self, context: Any) -> None:
        folder = Path(context.artifacts["model"])
        contract = msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract)
        engine = next(name for name, file in MODEL_FILES.items() if (folder / file).is_file())
        trusted = trusted_packages(os.environ.get(TRUSTED_PACKAGES, ""))
        self._encoder, self._engine = Encoder(contract), open_engine(engine, folder, trusted)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> NDArray[Any]:
        # pylint: disable=unused-argument  # MLflow calls it so
        contract = self._encoder.contract
        values = {name: _cells(model_input[name]) for name in model_input.columns}
        try:
            answer = self._engine.predict(self._encoder.encode_columns(values))
        except Invalid as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error
        if contract.classes:
            return np.array([contract.classes[number] for number in answer.values], object)
        single = len(contract.outputs) == 1
        return np.asarray(answer.values[:, 0] if single else answer.values, dtype=np.float64)


def _cells(values: pd.Series[Any]) -> Any:
    """A column as the encoder takes it: pandas has several words for a missing value, the contract only None."""
    if values.dtype.kind in "fiuM" and isinstance(values.dtype, np.dtype):
        return values.to_numpy()
    cells = values.astype(object).to_numpy(copy=True)
    cells[values.isna().to_numpy()] = None
    return cells


mlflow.models.set_model(ServedModel())
