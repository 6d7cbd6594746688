"""A FastAPI service as commonly written: pydantic, a data frame, the scikit-learn pipeline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Optional

import joblib
import msgspec
import pandas as pd
from fastapi import FastAPI
from pydantic import Field, create_model

from service.bundle.contract import Contract

contract = msgspec.json.decode(
    (Path(os.environ["BUNDLE"]) / "contract.json").read_bytes(), type=Contract
)
model = joblib.load(os.environ["PIPELINE"])
codes = {
    column.name: {name: float(code) for code, name in enumerate(column.categories)}
    for column in contract.columns
    if column.type == "category"
}
app = FastAPI()


def _field(column: Any) -> tuple[Any, Any]:
    kinds: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "timestamp": float}
    kind = Literal[column.categories] if column.type == "category" else kinds[column.type]
    bounds = (
        {"ge": column.minimum, "le": column.maximum} if column.type in ("number", "integer") else {}
    )
    if column.nullable:
        return Optional[kind], Field(None, **bounds)
    return kind, Field(**bounds)


make_model: Any = create_model
Row: Any = make_model("Row", **{column.name: _field(column) for column in contract.columns})
Body: Any = make_model("Body", rows=(list[Row], ...))


@app.post("/predict")
def predict(body: Body) -> dict[str, Any]:
    frame = pd.DataFrame([row.model_dump() for row in body.rows], columns=list(contract.names))
    for name, by_value in codes.items():
        frame[name] = frame[name].map(by_value)
    answer: dict[str, Any] = {"predictions": model.predict(frame).tolist()}
    if contract.classes:
        answer["probabilities"] = model.predict_proba(frame).tolist()
    return answer
