"""What computes predictions: ONNX Runtime, or scikit-learn read by skops where a model cannot be compiled."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Matrix

EngineName = Literal["onnx", "skops"]
MODEL_FILES: dict[EngineName, str] = {"onnx": "model.onnx", "skops": "model.skops"}
#: Packages whose types a skops file may hold; others only where whoever runs this names them, since loading runs their
#: code. No bundle says whom to trust.
USUAL_PACKAGES = ("sklearn", "numpy", "scipy")
#: The variable that names the others.
TRUSTED_PACKAGES = "TRUSTED_PACKAGES"


class Answer(NamedTuple):
    """`values`: class numbers (n,) of a classifier, else numbers (n, outputs). `probabilities`: (n, classes)."""

    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None = None


class Engine(Protocol):  # pylint: disable=too-few-public-methods
    def predict(self, matrix: Matrix) -> Answer: ...


class UntrustedModel(ValueError):
    """A skops file that holds types of packages that are not trusted here, or are not here."""


class OnnxEngine:  # pylint: disable=too-few-public-methods
    """One thread a call: the service runs one process a core. It has no threads of its own, so it survives a fork."""

    def __init__(self, path: Path):
        # It reports its use to its maker unless told before its first import; a service calls nobody.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        # A skops bundle needs none.
        import onnxruntime  # pylint: disable=import-outside-toplevel

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def predict(self, matrix: Matrix) -> Answer:
        outputs = self._session.run(None, {self._input: matrix})
        if len(outputs) == 2:
            return Answer(outputs[0], outputs[1])
        return Answer(outputs[0].reshape(len(matrix), -1))


class SkopsEngine:  # pylint: disable=too-few-public-methods
    def __init__(self, path: Path, trusted: Sequence[str] = ()):
        self._pipeline = read_skops(path, trusted)

    def predict(self, matrix: Matrix) -> Answer:
        return predict_with(self._pipeline, matrix)


def predict_with(pipeline: Any, matrix: Matrix) -> Answer:
    """A fitted scikit-learn pipeline's answer, in the shape that every engine gives."""
    if hasattr(pipeline, "classes_"):
        probabilities = np.asarray(pipeline.predict_proba(matrix), dtype=np.float32)
        return Answer(np.asarray(pipeline.predict(matrix), dtype=np.int64), probabilities)
    return Answer(np.asarray(pipeline.predict(matrix), dtype=np.float32).reshape(len(matrix), -1))


def read_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """What a skops file holds, if every type in it is of the usual packages or of those that are trusted besides."""
    # Most bundles need no scikit-learn.
    from skops import io  # pylint: disable=import-outside-toplevel

    untrusted = io.get_untrusted_types(file=path)
    foreign = [name for name in untrusted if _package(name) not in (*USUAL_PACKAGES, *trusted)]
    if foreign:
        raise UntrustedModel(
            f"{path}: holds {', '.join(foreign)}; allowed are types of {', '.join((*USUAL_PACKAGES, *trusted))};"
            f" {TRUSTED_PACKAGES} names others that you trust to run their code"
        )
    try:
        return io.load(path, trusted=untrusted)
    except ImportError as error:
        raise UntrustedModel(f"{path}: needs what is not installed here: {error}") from error


def packages_in(path: Path) -> tuple[str, ...]:
    """The packages besides the usual whose types a skops file holds."""
    from skops import io  # pylint: disable=import-outside-toplevel

    names = {_package(name) for name in io.get_untrusted_types(file=path)}
    return tuple(sorted(names - {*USUAL_PACKAGES}))


def _package(name: str) -> str:
    return name.partition(".")[0]


def trusted_packages(text: str) -> tuple[str, ...]:
    """The names that the variable says; what is no name matches no package."""
    return tuple(re.findall(r"[^\s,]+", text))


def open_engine(name: EngineName, folder: Path, trusted: Sequence[str] = ()) -> Engine:
    """`trusted` are packages besides the usual whose types a model may hold."""
    path = folder / MODEL_FILES[name]
    return OnnxEngine(path) if name == "onnx" else SkopsEngine(path, trusted)
