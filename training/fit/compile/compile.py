"""Compiles a fitted pipeline to the file of an engine, proves it equal on held-out rows, and times it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state
from skl2onnx import to_onnx
from sklearn.pipeline import Pipeline
from skops import io as skops_io

from service.bundle.contract import Matrix
from service.bundle.engines import (
    MODEL_FILES,
    Answer,
    Engine,
    EngineName,
    open_engine,
    packages_in,
    predict_with,
)
from training.common.errors import first_line
from training.fit.compile.converters import convert_finished

PROBABILITY_TOLERANCE = 1e-5
NUMBER_TOLERANCE = 1e-4
LATENCY_CALLS = 200
LATENCY_ROUNDS = 3
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}

#: What skl2onnx, onnx and ONNX Runtime raise for a pipeline that they cannot take.
CONVERSION_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    LookupError,
    onnxruntime_pybind11_state.Fail,
    onnxruntime_pybind11_state.InvalidArgument,
    onnxruntime_pybind11_state.InvalidGraph,
    onnxruntime_pybind11_state.NotImplemented,
)


class Equality(NamedTuple):
    """How far an engine's answers are from the pipeline's, on how many rows."""

    rows: int
    labels_differ: int
    largest: float
    tolerance: float

    @property
    def proven(self) -> bool:
        return self.labels_differ == 0 and self.largest <= self.tolerance

    def __str__(self) -> str:
        labels = f"{self.labels_differ} labels differ, " if self.labels_differ else ""
        return f"{labels}largest difference {self.largest:.1e} on {self.rows} rows, allowed {self.tolerance:.0e}"


class Compiled(NamedTuple):
    """A pipeline as its engine's file. `fallback` says why it is not ONNX, where it is not.

    `answer` is to the rows on which it was proven, the held-out ones.
    """

    engine_name: EngineName
    engine: Engine
    folder: Path
    equality: Equality
    answer: Answer
    latency_ms: float
    size_mb: float
    fallback: str = ""
    #: Packages besides scikit-learn's that whoever loads it has to trust.
    packages: tuple[str, ...] = ()


def to_onnx_bytes(estimator: Any, matrix: Matrix) -> bytes:
    def convert(model: Any) -> Any:
        last = model
        while isinstance(last, Pipeline):
            # Own code may be a pipeline of its own.
            last = last[-1]
        options = {id(last): {"zipmap": False}} if hasattr(model, "classes_") else None
        return to_onnx(model, matrix[:1], options=options, target_opset=TARGET_OPSET)

    return bytes(convert_finished(estimator, convert).SerializeToString())


def compile_pipeline(
    pipeline: Any,
    matrix: Matrix,
    folder: Path,
    convert: Callable[[Any, Matrix], bytes] = to_onnx_bytes,
    trusted: Sequence[str] = (),
) -> Compiled:
    """As ONNX where that is proven equal on `matrix`, else as skops. `folder` is made anew.

    `trusted` are packages besides scikit-learn's whose types a skops file may hold; else UntrustedModel.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    expected, threshold = predict_with(pipeline, matrix), getattr(pipeline, "threshold", None)
    try:
        (folder / MODEL_FILES["onnx"]).write_bytes(convert(pipeline, matrix))
        compiled = _measured("onnx", folder, matrix, expected, threshold)
        reason = "" if compiled.equality.proven else f"not equal: {compiled.equality}"
    except CONVERSION_ERRORS as error:
        reason = f"cannot be converted: {type(error).__name__}: {first_line(error)}"
    if not reason:
        return compiled
    (folder / MODEL_FILES["onnx"]).unlink(missing_ok=True)
    file = folder / MODEL_FILES["skops"]
    skops_io.dump(pipeline, file)
    compiled = _measured("skops", folder, matrix, expected, threshold, trusted)
    return compiled._replace(fallback=reason, packages=packages_in(file))


def take_compiled(pipeline: Pipeline, file: bytes, matrix: Matrix, folder: Path) -> Compiled:
    """A model that is ONNX already, as what it is to be equal to says. `folder` is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MODEL_FILES["onnx"]).write_bytes(file)
    return _measured("onnx", folder, matrix, predict_with(pipeline, matrix), None)


def _measured(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    name: EngineName,
    folder: Path,
    matrix: Matrix,
    expected: Answer,
    threshold: float | None,
    trusted: Sequence[str] = (),
) -> Compiled:
    engine = open_engine(name, folder, trusted)
    size = (folder / MODEL_FILES[name]).stat().st_size / 1e6
    answer = engine.predict(matrix)
    equality = compare(expected, answer, threshold)
    return Compiled(name, engine, folder, equality, answer, _latency(engine, matrix), size)


def compare(expected: Answer, got: Answer, threshold: float | None = None) -> Equality:
    """How far two answers to the same rows are apart.

    Labels are compared one by one, but for rows so near the edge between two that rounding decides; probabilities as
    they are; numbers relative to their size, or to their spread, if that is larger.
    """
    rows = len(got.values)
    if expected.values.shape != got.values.shape:
        return Equality(rows, rows, float("inf"), 0.0)
    if expected.probabilities is not None and got.probabilities is not None:
        largest = float(np.abs(expected.probabilities - got.probabilities).max())
        differs = (expected.values != got.values) & ~_on_edge(expected.probabilities, threshold)
        differ = int(differs.sum())
        return Equality(rows, differ, largest, PROBABILITY_TOLERANCE)
    # In float32 the squares of large numbers are infinite, and next to that every difference is none.
    values = expected.values.astype(np.float64)
    scale = np.maximum(np.abs(values), values.std(axis=0) + 1e-12)
    largest = float((np.abs(values - got.values) / scale).max())
    return Equality(rows, 0, largest, NUMBER_TOLERANCE)


def _on_edge(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.bool_]:
    if threshold is not None:
        return np.asarray(np.abs(probabilities[:, 1] - threshold) <= PROBABILITY_TOLERANCE)
    first_two = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(np.ptp(first_two, axis=1) <= 2 * PROBABILITY_TOLERANCE)


def _latency(engine: Engine, matrix: Matrix) -> float:
    """The 99th percentile of one-row calls in milliseconds: the best round, since a busy machine only adds."""
    return min(_latency_round(engine, matrix) for _ in range(LATENCY_ROUNDS))


def _latency_round(engine: Engine, matrix: Matrix) -> float:
    times = []
    for number in range(LATENCY_CALLS):
        row = matrix[number % len(matrix)][np.newaxis]
        started = time.perf_counter()
        engine.predict(row)
        times.append(time.perf_counter() - started)
    return float(np.quantile(times, 0.99) * 1000)
