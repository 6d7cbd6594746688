"""A model from elsewhere in our own form: one float32 matrix in; class numbers and probabilities, or numbers, out.

Nodes are put before and behind it; nothing inside it is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from service.bundle.contract import Contract
from training.fit.compile.onnx_graph import COLUMN, LIST, Graph, float32
from training.fit.imported.interface import Input, Interface, Outputs

#: What all names here begin with.
OURS = "swarmline/"
ML = "ai.onnx.ml"
#: Since then a label is looked up as it is here.
ML_OPSET = 2


def wrap(
    model: onnx.ModelProto, interface: Interface, contract: Contract, order: Sequence[int]
) -> bytes:
    """`order` has, for each class of the contract, its place among the model's own probabilities.

    It is empty where there is one probability alone, that of the second class.
    """
    wrapped = onnx.ModelProto()
    wrapped.CopyFrom(model)
    inner = [node for node in wrapped.graph.node if node.op_type != "ZipMap"]
    del wrapped.graph.node[:], wrapped.graph.input[:], wrapped.graph.value_info[:]
    graph = Graph(wrapped, _free_prefix(model))
    rows = f"{graph.prefix}rows"
    wrapped.graph.input.append(
        helper.make_tensor_value_info(rows, TensorProto.FLOAT, [None, len(contract.features)])
    )
    for each in interface.inputs:
        _feed(graph, rows, each, contract)
    wrapped.graph.node.extend(inner)
    numbers = graph.add("Cast", interface.outputs.numbers, to=TensorProto.FLOAT)
    if contract.classes:
        chances = _probabilities(graph, numbers, order)
        label = _label(graph, interface.outputs, chances, order)
        graph.finish(label, chances, len(contract.classes))
    else:
        shape = np.array([-1, len(contract.outputs)], np.int64)
        graph.finish(None, graph.add("Reshape", numbers, shape), len(contract.outputs))
    _allow_label_encoder(wrapped)
    return bytes(wrapped.SerializeToString())


def _free_prefix(model: onnx.ModelProto) -> str:
    """One that stands nowhere in the model, which may have been imported before: its names would stand twice."""
    content, prefix = model.SerializeToString(), OURS
    while prefix.encode() in content:
        prefix += "/"
    return prefix


def _feed(graph: Graph, rows: str, each: Input, contract: Contract) -> None:
    """An input out of the matrix."""
    if each.column is None:
        graph.add("Cast", rows, output=each.name, to=each.kind)
        return
    position = np.array(contract.positions(each.column.name), np.int64)
    values = graph.add("Gather", rows, position, axis=1)
    if each.flat:
        values = graph.add("Reshape", values, LIST)
    if each.kind != TensorProto.STRING:
        graph.add("Cast", values, output=each.name, to=each.kind)
        return
    codes = graph.add("Cast", values, to=TensorProto.INT64)
    texts = np.array(each.column.categories, dtype=object)
    graph.add("Gather", texts, codes, output=each.name, axis=0)


def _probabilities(graph: Graph, chances: str, order: Sequence[int]) -> str:
    if order:
        return graph.add("Gather", chances, np.array(order, np.int64), axis=1)
    second = graph.add("Reshape", chances, COLUMN)
    return graph.add("Concat", graph.add("Sub", float32(1), second), second, axis=1)


def _label(graph: Graph, outputs: Outputs, chances: str, order: Sequence[int]) -> str:
    """The model's own label as the number of the class; the most probable class of a model without labels."""
    label = outputs.label
    if not label:
        return graph.add("ArgMax", chances, axis=1, keepdims=0)
    labels = outputs.labels or tuple(range(len(order) or 2))
    places = [list(order or (0, 1)).index(place) for place in range(len(labels))]
    if isinstance(labels[0], str):
        keys: dict[str, Any] = {"keys_strings": labels}
    else:
        keys = {"keys_int64s": labels}
        label = graph.add("Cast", label, to=TensorProto.INT64)
    # A label that the model does not list would be no class.
    keys |= {"values_int64s": places, "default_int64": -1}
    return graph.add("Reshape", graph.add("LabelEncoder", label, domain=ML, **keys), LIST)


def _allow_label_encoder(model: onnx.ModelProto) -> None:
    """Of a model that uses older ones of the same operators, all but that of labels are as they were."""
    for entry in model.opset_import:
        if entry.domain == ML:
            entry.version = max(entry.version, ML_OPSET)
            return
    model.opset_import.append(helper.make_opsetid(ML, ML_OPSET))
