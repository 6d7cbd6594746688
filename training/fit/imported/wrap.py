"""A model from elsewhere in our own form: one float32 matrix in; class numbers and probabilities, or numbers, out.

Nodes are put before and behind it; nothing inside it is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from service.bundle.contract import Contract
from training.fit.imported.interface import Input, Interface, Outputs

#: What all names here begin with.
OURS = "swarmline/"
ML = "ai.onnx.ml"
#: Since then a label is looked up as it is here.
ML_OPSET = 2


class _Around:
    """The nodes and constants that are put around a model."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.matrix = prefix, f"{prefix}rows"
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: NDArray[Any]) -> str:
        name = f"{self.prefix}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        output = output or f"{self.prefix}{kind}{len(self.nodes)}"
        domain = ML if kind == "LabelEncoder" else ""
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], domain=domain, **attributes)
        )
        return output


def wrap(
    model: onnx.ModelProto, interface: Interface, contract: Contract, order: Sequence[int]
) -> bytes:
    """`order` has, for each class of the contract, its place among the model's own probabilities.

    It is empty where there is one probability alone, that of the second class.
    """
    wrapped = onnx.ModelProto()
    wrapped.CopyFrom(model)
    graph, around = wrapped.graph, _Around(_free_prefix(model))
    for each in interface.inputs:
        _feed(around, each, contract)
    before, around.nodes = around.nodes, []
    if contract.classes:
        outputs = _classes(around, interface.outputs, len(contract.classes), order)
    else:
        outputs = [_numbers(around, interface.outputs, len(contract.outputs))]
    inner = [node for node in graph.node if node.op_type != "ZipMap"]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*before, *inner, *around.nodes])
    graph.initializer.extend(around.constants)
    rows = helper.make_tensor_value_info(
        around.matrix, TensorProto.FLOAT, [None, len(contract.features)]
    )
    graph.input.append(rows)
    graph.output.extend(outputs)
    _allow_label_encoder(wrapped)
    return bytes(wrapped.SerializeToString())


def _free_prefix(model: onnx.ModelProto) -> str:
    """One that stands nowhere in the model, which may have been imported before: its names would stand twice."""
    content, prefix = model.SerializeToString(), OURS
    while prefix.encode() in content:
        prefix += "/"
    return prefix


def _feed(around: _Around, each: Input, contract: Contract) -> None:
    """An input out of the matrix."""
    if each.column is None:
        around.node("Cast", [around.matrix], each.name, to=each.kind)
        return
    position = around.constant(np.array(contract.positions(each.column.name), dtype=np.int64))
    values = around.node("Gather", [around.matrix, position], axis=1)
    if each.flat:
        values = around.node("Reshape", [values, around.constant(np.array([-1], dtype=np.int64))])
    if each.kind != TensorProto.STRING:
        around.node("Cast", [values], each.name, to=each.kind)
        return
    codes = around.node("Cast", [values], to=TensorProto.INT64)
    texts = around.constant(np.array(each.column.categories, dtype=object))
    around.node("Gather", [texts, codes], each.name, axis=0)


def _classes(
    around: _Around, outputs: Outputs, count: int, order: Sequence[int]
) -> list[onnx.ValueInfoProto]:
    chances = around.node("Cast", [outputs.numbers], to=TensorProto.FLOAT)
    if order:
        places = around.constant(np.array(order, dtype=np.int64))
        chances = around.node("Gather", [chances, places], f"{around.prefix}probabilities", axis=1)
    else:
        column = around.constant(np.array([-1, 1], dtype=np.int64))
        second = around.node("Reshape", [chances, column])
        first = around.node("Sub", [around.constant(np.ones(1, dtype=np.float32)), second])
        chances = around.node("Concat", [first, second], f"{around.prefix}probabilities", axis=1)
    label = _label(around, outputs, order) if outputs.label else ""
    if not label:
        label = around.node("ArgMax", [chances], axis=1, keepdims=0)
    return [
        helper.make_tensor_value_info(label, TensorProto.INT64, [None]),
        helper.make_tensor_value_info(chances, TensorProto.FLOAT, [None, count]),
    ]


def _label(around: _Around, outputs: Outputs, order: Sequence[int]) -> str:
    """The model's own label as the number of the class."""
    labels = outputs.labels or tuple(range(len(order) or 2))
    places = [list(order or (0, 1)).index(place) for place in range(len(labels))]
    label = outputs.label
    if isinstance(labels[0], str):
        keys: dict[str, Any] = {"keys_strings": labels}
    else:
        keys = {"keys_int64s": labels}
        label = around.node("Cast", [label], to=TensorProto.INT64)
    # A label that the model does not list would be no class.
    numbers = around.node("LabelEncoder", [label], values_int64s=places, default_int64=-1, **keys)
    return around.node("Reshape", [numbers, around.constant(np.array([-1], dtype=np.int64))])


def _numbers(around: _Around, outputs: Outputs, count: int) -> onnx.ValueInfoProto:
    numbers = around.node("Cast", [outputs.numbers], to=TensorProto.FLOAT)
    shape = around.constant(np.array([-1, count], dtype=np.int64))
    numbers = around.node("Reshape", [numbers, shape])
    return helper.make_tensor_value_info(numbers, TensorProto.FLOAT, [None, count])


def _allow_label_encoder(model: onnx.ModelProto) -> None:
    """Of a model that uses older ones of the same operators, all but that of labels are as they were."""
    for entry in model.opset_import:
        if entry.domain == ML:
            entry.version = max(entry.version, ML_OPSET)
            return
    model.opset_import.append(helper.make_opsetid(ML, ML_OPSET))
