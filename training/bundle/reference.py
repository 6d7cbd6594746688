"""The reference profile in a bundle: the training data and the predictions in short, for drift."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer
from training.metrics.metric import Rows, sample_rows

BINS = 20
SAMPLE = 1000
QUANTILES = np.linspace(0, 1, 101)


def reference(contract: Contract, matrix: Matrix, answer: Answer, seed: int) -> dict[str, Any]:
    """By column of the training rows, and by output of what the model answers on held-out rows."""
    sampled = sample_rows(len(matrix), SAMPLE, seed)
    columns = {
        column.name: (
            _counts(matrix[:, position], column.categories)
            if column.type == "category"
            else _numbers(matrix[:, position], None if column.sensitive else sampled)
        )
        for position, column in enumerate(contract.columns)
    }
    return {"rows": len(matrix), "columns": columns, "predictions": _predictions(contract, answer)}


def _predictions(contract: Contract, answer: Answer) -> dict[str, Any]:
    if contract.classes:
        return {
            contract.outputs[0].name: _counts(answer.values.astype(np.float32), contract.classes)
        }
    first = np.arange(min(SAMPLE, len(answer.values)))
    return {
        output.name: _numbers(answer.values[:, position], first)
        for position, output in enumerate(contract.outputs)
    }


def _counts(codes: NDArray[Any], names: tuple[str, ...]) -> dict[str, Any]:
    present = codes[~np.isnan(codes)].astype(int)
    counts = np.bincount(present, minlength=len(names)).tolist()
    return {
        "kind": "category",
        "nulls": len(codes) - len(present),
        "counts": dict(zip(names, counts, strict=True)),
    }


def _numbers(values: NDArray[Any], sampled: Rows | None) -> dict[str, Any]:
    present = values[~np.isnan(values)].astype(np.float64)
    if len(present) == 0:
        return {"kind": "number", "nulls": len(values)}
    counts, edges = np.histogram(present, bins=BINS)
    sample = [] if sampled is None else values[sampled][~np.isnan(values[sampled])].tolist()
    return {
        "kind": "number",
        "nulls": len(values) - len(present),
        "mean": float(present.mean()),
        "std": float(present.std()),
        "quantiles": np.quantile(present, QUANTILES).tolist(),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "sample": sample,
    }
