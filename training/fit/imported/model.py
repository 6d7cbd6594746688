"""The model from elsewhere as a fitted estimator of scikit-learn: run as it is, on inputs of its own kinds.

What serves is another form of it (training/fit/imported/wrap.py), which is proven equal to this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from sklearn.base import BaseEstimator

from service.bundle.contract import Contract, Matrix
from training.fit.imported.file import ImportRefused, first_line
from training.fit.imported.interface import Input, Interface

#: What ONNX Runtime raises for a model, or for rows, that it cannot take.
RUNTIME_ERRORS = (
    *(runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf),
    *(runtime.NotImplemented, runtime.RuntimeException, runtime.EPFail, runtime.NoSuchFile),
)
#: Rows at a time: texts of cells need much memory.
BATCH = 20_000


class Raw(NamedTuple):
    """What the model gives, by its own words: numbers or probabilities, and labels where it has them."""

    numbers: NDArray[Any]
    labels: NDArray[Any] | None = None


class Session:
    """The model as it is, fed from rows of the contract's matrix."""

    def __init__(self, file: str, model: onnx.ModelProto, interface: Interface, contract: Contract):
        self._file, self._interface, self._contract = file, interface, contract
        self.labels = interface.outputs.labels
        native = onnx.ModelProto()
        native.CopyFrom(model)
        names = [name for name in (interface.outputs.numbers, interface.outputs.label) if name]
        # Of probabilities the table, not a map a row.
        del native.graph.output[:]
        native.graph.output.extend(map(helper.make_empty_tensor_value_info, names))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        with _refusing(file, "cannot be loaded by ONNX Runtime"):
            self._session = onnxruntime.InferenceSession(
                native.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )

    def run(self, matrix: Matrix) -> Raw:
        parts = [
            self._part(matrix[start : start + BATCH]) for start in range(0, len(matrix), BATCH)
        ]
        outputs = [np.concatenate(each) for each in zip(*parts, strict=True)]
        return Raw(*outputs)

    def _part(self, matrix: Matrix) -> list[NDArray[Any]]:
        feeds = {each.name: _fed(each, matrix, self._contract) for each in self._interface.inputs}
        with _refusing(self._file, "cannot answer rows of the contract"):
            outputs: list[NDArray[Any]] = self._session.run(None, feeds)
        for output in outputs:
            if output.ndim not in (1, 2) or len(output) != len(matrix):
                raise ImportRefused(
                    f"{self._file}: gives an array of shape {output.shape} for {len(matrix)} rows; allowed: one"
                    " number or list of numbers a row"
                )
        return outputs


def _fed(each: Input, matrix: Matrix, contract: Contract) -> NDArray[Any]:
    """An input's values, worked out without ONNX: what stands before the served model is held against it."""
    kind = helper.tensor_dtype_to_np_dtype(each.kind)
    if each.column is None:
        return matrix.astype(kind)
    values = matrix[:, contract.positions(each.column.name)[0]]
    if each.kind == TensorProto.STRING:
        texts = [each.column.categories[int(code)] for code in values]
        cells = np.array(texts, dtype=object)
    else:
        cells = values.astype(kind)
    return cells if each.flat else cells[:, np.newaxis]


@contextlib.contextmanager
def _refusing(file: str, failure: str) -> Iterator[None]:
    try:
        yield
    except RUNTIME_ERRORS as error:
        raise ImportRefused(f"{file}: {failure}: {first_line(error)}") from error


class ImportedModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fitted from the beginning. No bundle holds it."""

    def __init__(self, file: str, content: str, session: Session, order: tuple[int, ...] = ()):
        self.file, self.content, self.session, self.order = file, content, session, order

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: Any) -> ImportedModel:
        return self

    def get_params(self, **_: Any) -> dict[str, Any]:
        """What is recorded with its run."""
        return {"file": self.file, "content": self.content}


class ImportedRegressor(ImportedModel):
    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        numbers = self.session.run(matrix).numbers
        return np.asarray(numbers, dtype=np.float64).reshape(len(matrix), -1)


class ImportedClassifier(ImportedModel):
    """Classes by their number in the contract, whatever the model calls them."""

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(len(self.order) or 2)

    def predict(self, matrix: Matrix) -> NDArray[np.int64]:
        raw = self.session.run(matrix)
        if raw.labels is None:
            return np.asarray(self.arranged(raw).argmax(axis=1), dtype=np.int64)
        return self.numbered(raw.labels)

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float32]:
        return self.arranged(self.session.run(matrix))

    def numbered(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        """-1 for a label that is none of the model's classes."""
        numbers = {label: number for number, label in enumerate(self.labels())}
        return np.array([numbers.get(label, -1) for label in labels.ravel().tolist()], np.int64)

    def labels(self) -> list[str | int]:
        """The model's words for the contract's classes, in their order."""
        own = self.session.labels or tuple(range(len(self.classes_)))
        return [own[place] for place in self.order or (0, 1)]

    def arranged(self, raw: Raw) -> NDArray[np.float32]:
        chances = np.asarray(raw.numbers, dtype=np.float32)
        if self.order:
            return chances[:, list(self.order)]
        second = chances.reshape(-1)
        return np.column_stack([1 - second, second])
