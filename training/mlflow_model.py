"""The version as `mlflow models serve` takes it: the same fitted pipeline behind the contract's encoding.

The encoding is said in scikit-learn's own words (OrdinalEncoder), so that the model is a plain scikit-learn
pipeline of plain types, stored with skops. Callers send columns as they send them to the service; only a
timestamp goes in as the number that the contract makes of it, and a class comes out by its number.
"""

from __future__ import annotations

import warnings
from typing import Any

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from skops import io as skops_io
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from service.contract import Contract
from service.encoder import Encoder
from service.engines import TRUSTED_PACKAGES
from training.facts import Facts
from training.lineage import LOCK

SERVED_WITH = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")


def log(facts: Facts) -> str:
    """Logs the pipeline to the active run with signature and input example; its URI comes back."""
    contract = facts.dataset.contract
    frame = as_frame(contract, facts.dataset.held_out_frame().head(5))
    pipeline = behind_encoding(contract, facts.chosen.pipeline, frame)
    with warnings.catch_warnings():
        # Advice for whole numbers that may be missing; `as_frame` makes doubles of those.
        warnings.filterwarnings("ignore", r"(?s).*integer column")
        signature = mlflow.models.infer_signature(frame, pipeline.predict(frame))
        logged = mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=signature,
            input_example=frame,
            pip_requirements=pinned(),
            serialization_format="skops",
            skops_trusted_types=_types(pipeline),
        )
    return str(logged.model_uri)


def behind_encoding(contract: Contract, fitted: Pipeline, frame: pd.DataFrame) -> Pipeline:
    """The fitted pipeline with a first step that turns callers' columns into the contract's matrix."""
    steps: list[tuple[str, Any, list[str]]] = []
    for column in contract.columns:
        step: Any = "passthrough"
        if column.type == "category":
            step = OrdinalEncoder(categories=[list(column.categories)], dtype=np.float64)
        steps.append((column.name, step, [column.name]))
    encode = ColumnTransformer(steps, verbose_feature_names_out=False)
    encode.fit(_every_category(contract, frame))
    return Pipeline([("contract", encode), *fitted.steps])


def _every_category(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows to fit the encoding on; OrdinalEncoder learns from missing values too."""
    example = frame.head(1)
    missing = {
        column.name: None
        for column in contract.columns
        if column.nullable and column.type == "category"
    }
    return pd.concat([example, example.assign(**missing)]) if missing else example


def as_frame(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows typed as MLflow's signature shall say: whole numbers and booleans as such only where none can be null."""
    matrix = Encoder(contract).encode_columns(
        {name: frame[name].to_numpy() for name in contract.names}
    )
    columns: dict[str, Any] = {}
    for position, column in enumerate(contract.columns):
        if column.type == "category":
            columns[column.name] = frame[column.name].astype(object).to_numpy()
        elif column.type == "boolean" and not column.nullable:
            columns[column.name] = frame[column.name].astype(bool).to_numpy()
        elif column.type == "integer" and not column.nullable:
            columns[column.name] = matrix[:, position].astype(np.int64)
        else:
            columns[column.name] = matrix[:, position].astype(np.float64)
    return pd.DataFrame(columns)


def pinned() -> list[str]:
    """The lock's versions of what the model needs, so that MLflow need not guess them."""
    wanted = {f"{name}==" for name in SERVED_WITH}
    lines = [
        line.split(";")[0].strip(" \\") for line in LOCK.read_text(encoding="utf-8").splitlines()
    ]
    found = [line for line in lines if any(line.startswith(name) for name in wanted)]
    return list({line.split("==")[0]: line for line in reversed(found)}.values())


def _types(pipeline: Pipeline) -> list[str]:
    """What skops shall trust when MLflow loads it: scikit-learn's own types, nothing else."""
    types = skops_io.get_untrusted_types(data=skops_io.dumps(pipeline))
    return [name for name in types if name.startswith(TRUSTED_PACKAGES)]
