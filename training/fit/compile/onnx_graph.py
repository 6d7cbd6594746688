"""An ONNX model to which nodes are added, also those of others with the same input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, compose, helper, numpy_helper

#: Shapes: a value a row, as a column or as a list.
COLUMN = np.array([-1, 1], np.int64)
LIST = np.array([-1], np.int64)


class Graph:
    """`outputs` are the names of what the model answers so far; what is added has names that begin with `prefix`."""

    def __init__(self, model: ModelProto, prefix: str = "finish_"):
        self.model, self.prefix = model, prefix
        self.outputs = [output.name for output in model.graph.output]
        self._count = 0

    def add(
        self, operation: str, *inputs: str | NDArray[Any], output: str = "", **attributes: Any
    ) -> str:
        """A node; an array among its inputs becomes a constant. The name of its output comes back."""
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        output = output or self._name()
        self.model.graph.node.append(
            helper.make_node(operation, names, [output], name=output, **attributes)
        )
        return output

    def merge(self, other: ModelProto) -> str:
        """The first output of another model on the same input."""
        prefix = f"{self._name()}_"
        first = str(other.graph.output[0].name)
        renamed = compose.add_prefix(other, prefix, rename_inputs=False)
        self._join_input(renamed)
        self.model.graph.node.extend(renamed.graph.node)
        self.model.graph.initializer.extend(renamed.graph.initializer)
        self._raise_versions(renamed)
        return prefix + first

    def finish(self, labels: str | None, numbers: str, width: int) -> ModelProto:
        """The model with these outputs alone: class numbers where it has them, and so many numbers a row."""
        del self.model.graph.output[:]
        if labels is not None:
            self.model.graph.output.append(
                helper.make_tensor_value_info(labels, TensorProto.INT64, [None])
            )
        self.model.graph.output.append(
            helper.make_tensor_value_info(numbers, TensorProto.FLOAT, [None, width])
        )
        return self.model

    def _raise_versions(self, other: ModelProto) -> None:
        """To the later of both: a model states the least that its nodes need, and they are written for the target's."""
        versions = {each.domain: each for each in self.model.opset_import}
        for each in other.opset_import:
            if each.domain in versions:
                versions[each.domain].version = max(versions[each.domain].version, each.version)
            else:
                self.model.opset_import.append(each)

    def _join_input(self, other: ModelProto) -> None:
        """Both read what the service gives under one name."""
        ours, theirs = self.model.graph.input[0].name, other.graph.input[0].name
        for node in other.graph.node if ours != theirs else ():
            node.input[:] = [ours if name == theirs else name for name in node.input]

    def _constant(self, values: NDArray[Any]) -> str:
        name = self._name()
        self.model.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def _name(self) -> str:
        self._count += 1
        return f"{self.prefix}{len(self.model.graph.node)}_{self._count}"


def float32(values: Any) -> NDArray[np.float32]:
    return np.atleast_1d(np.asarray(values, dtype=np.float32))


def float64(values: Any) -> NDArray[np.float64]:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))
