"""The reference profile in a bundle: what the training data and the predictions looked like, for drift."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer

BINS = 20
SAMPLE = 1000
QUANTILES = np.linspace(0, 1, 101)


def reference(contract: Contract, matrix: Matrix, answer: Answer, seed: int) -> dict[str, Any]:
    """By column of the training rows, and by output of what the model answers on held-out rows."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(matrix))[:SAMPLE])
    columns = {
        column.name: (
            _counts(matrix[:, position], column.categories)
            if column.type == "category"
            else _numbers(matrix[:, position], None if column.sensitive else chosen)
        )
        for position, column in enumerate(contract.columns)
    }
    return {"rows": len(matrix), "columns": columns, "predictions": _predictions(contract, answer)}


def _predictions(contract: Contract, answer: Answer) -> dict[str, Any]:
    if contract.classes:
        return {
            contract.outputs[0].name: _counts(answer.values.astype(np.float32), contract.classes)
        }
    chosen = np.arange(min(SAMPLE, len(answer.values)))
    return {
        output.name: _numbers(answer.values[:, position], chosen)
        for position, output in enumerate(contract.outputs)
    }


def _counts(codes: NDArray[Any], names: tuple[str, ...]) -> dict[str, Any]:
    known = codes[~np.isnan(codes)].astype(int)
    counts = np.bincount(known, minlength=len(names)).tolist()
    return {
        "kind": "category",
        "nulls": len(codes) - len(known),
        "counts": dict(zip(names, counts, strict=True)),
    }


def _numbers(values: NDArray[Any], chosen: NDArray[np.intp] | None) -> dict[str, Any]:
    known = values[~np.isnan(values)].astype(np.float64)
    if len(known) == 0:
        return {"kind": "number", "nulls": len(values)}
    counts, edges = np.histogram(known, bins=BINS)
    sample = [] if chosen is None else values[chosen][~np.isnan(values[chosen])].tolist()
    return {
        "kind": "number",
        "nulls": len(values) - len(known),
        "mean": float(known.mean()),
        "std": float(known.std()),
        "quantiles": np.quantile(known, QUANTILES).tolist(),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "sample": sample,
    }
