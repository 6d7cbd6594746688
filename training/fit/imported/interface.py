"""What a model from elsewhere takes and gives, held against the contract: which input is which column, and the outputs.

Inputs are one matrix of numbers in the contract's order, or one input a column by its name. Outputs of a classification
are probabilities, with a label or without; of a regression, numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper, numpy_helper

from service.bundle.contract import Column, Contract
from training.fit.imported.file import ImportRefused

NUMBERS = {TensorProto.FLOAT: "float", TensorProto.DOUBLE: "double"}
LABELS = {TensorProto.STRING: "string", TensorProto.INT64: "int64", TensorProto.INT32: "int32"}
#: What a column of each type may be given as; a category as its text, or as its place in `categories`.
ALLOWED = {
    "number": (TensorProto.FLOAT, TensorProto.DOUBLE),
    "integer": (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32),
    "boolean": (*NUMBERS, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL),
    "category": (*NUMBERS, *LABELS),
    "timestamp": (TensorProto.FLOAT, TensorProto.DOUBLE),
}


class Input(NamedTuple):
    """One input: of the whole matrix, or of a column."""

    name: str
    kind: int
    #: Whether it is a list of values; else a table with as many rows.
    flat: bool
    column: Column | None = None


class Outputs(NamedTuple):
    """Names in the graph. `labels` has the classes in the order of the probabilities, where the model says it."""

    numbers: str
    label: str = ""
    labels: tuple[str | int, ...] = ()


class Interface(NamedTuple):
    inputs: tuple[Input, ...]
    outputs: Outputs


def read_interface(path: Path, model: onnx.ModelProto, contract: Contract) -> Interface:
    """Raises ImportRefused with what the model has and what is allowed."""
    return Interface(
        tuple(_inputs(path, model.graph, contract)), _outputs(path, model.graph, contract)
    )


def _inputs(path: Path, graph: onnx.GraphProto, contract: Contract) -> Iterator[Input]:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if {value.name for value in inputs} == set(contract.names):
        columns = {column.name: column for column in contract.columns}
        for value in inputs:
            if len(contract.positions(value.name)) > 1:
                raise ImportRefused(
                    f"{path}: takes {_listed([value])}, and columns.{value.name} is encoded as several numbers;"
                    " allowed: one encoding, or a model that takes the whole matrix"
                )
            yield _of_column(path, value, columns[value.name])
    elif len(inputs) == 1:
        yield _of_matrix(path, inputs[0], contract)
    else:
        raise ImportRefused(
            f"{path}: takes {_listed(inputs)}; allowed: one float or double input of {len(contract.features)} numbers"
            f" a row, or one input for each of {', '.join(contract.names)}"
        )


def _of_matrix(path: Path, value: onnx.ValueInfoProto, contract: Contract) -> Input:
    kind, shape = _type(path, value)
    names = [feature.name for feature in contract.features]
    width = len(names)
    if kind not in NUMBERS or shape is None or len(shape) != 2:
        raise ImportRefused(
            f"{path}: takes {_listed([value])}; allowed: float or double with two dimensions, rows and columns"
        )
    if shape[1] not in (None, width):
        raise ImportRefused(
            f"{path}: takes {_listed([value])}, so {shape[1]} numbers a row; allowed: {width}, in the order of the"
            f" contract: {', '.join(names)}"
        )
    _refuse_fixed_rows(path, value, shape)
    return Input(value.name, kind, False)


def _of_column(path: Path, value: onnx.ValueInfoProto, column: Column) -> Input:
    kind, shape = _type(path, value)
    if kind not in ALLOWED[column.type]:
        allowed = ", ".join(_kind_name(kind) for kind in ALLOWED[column.type])
        raise ImportRefused(
            f"{path}: takes {_listed([value])} for a column of type {column.type}; allowed: {allowed}"
        )
    if kind == TensorProto.STRING and column.other is not None:
        raise ImportRefused(
            f"{path}: takes {_listed([value])}, a text, and columns.{column.name} has unknown = 'other', of which"
            " no text is kept; allowed: unknown = 'refuse', or a model that takes the category's place in `categories`,"
            f" with {column.other} for the others"
        )
    if shape is None or len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] not in (None, 1)):
        raise ImportRefused(f"{path}: takes {_listed([value])}; allowed: one value a row")
    if column.nullable and kind not in NUMBERS:
        raise ImportRefused(
            f"{path}: takes {_listed([value])}, which has no word for a missing value, and columns.{column.name}"
            " is nullable; allowed: float or double, or a column that is not nullable"
        )
    _refuse_fixed_rows(path, value, shape)
    return Input(value.name, kind, len(shape) == 1, column)


def _refuse_fixed_rows(path: Path, value: onnx.ValueInfoProto, shape: Sequence[int | None]) -> None:
    if shape[0] is not None:
        raise ImportRefused(
            f"{path}: takes exactly {shape[0]} rows at a time ({_listed([value])}); allowed: any number: export it"
            " with a first dimension that is dynamic"
        )


def _outputs(path: Path, graph: onnx.GraphProto, contract: Contract) -> Outputs:
    makers = {name: node for node in graph.node for name in node.output}
    if not contract.classes:
        if len(graph.output) != 1 or _type(path, graph.output[0])[0] not in NUMBERS:
            raise ImportRefused(
                f"{path}: gives {_listed(graph.output)}; allowed for {contract.task}: one float or double output;"
                " import.outputs names those that count"
            )
        return Outputs(graph.output[0].name)
    chances = [value for value in graph.output if _probabilities(path, value, makers)]
    labels = [
        value for value in graph.output if not _is_map(value) and _type(path, value)[0] in LABELS
    ]
    if len(chances) != 1 or len(labels) > 1 or len(graph.output) != len(chances) + len(labels):
        raise ImportRefused(
            f"{path}: gives {_listed(graph.output)}; allowed for classification: probabilities (float or double, a"
            " column a class), with a label (string or int64) or without; import.outputs names those that count"
        )
    name, label = _probabilities(path, chances[0], makers), labels[0].name if labels else ""
    return Outputs(name, label, _class_labels(graph, makers, chances[0].name, label))


def _is_map(value: onnx.ValueInfoProto) -> bool:
    return bool(value.type.HasField("sequence_type"))


def _probabilities(
    path: Path, value: onnx.ValueInfoProto, makers: dict[str, onnx.NodeProto]
) -> str:
    """The tensor of an output that may be probabilities: behind a list of maps, what the maps are made of."""
    if _is_map(value):
        maker = makers.get(value.name)
        return maker.input[0] if maker is not None and maker.op_type == "ZipMap" else ""
    return value.name if _type(path, value)[0] in NUMBERS else ""


def _class_labels(
    graph: onnx.GraphProto, makers: dict[str, onnx.NodeProto], chances: str, label: str
) -> tuple[str | int, ...]:
    """The classes as a node on the way to the outputs lists them; of the nearest node that does."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    waiting, seen = [chances, label], set()
    while waiting:
        name = waiting.pop(0)
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if labels := _listed_by(node, constants):
            return labels
        waiting += node.input
    return ()


def _listed_by(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]
) -> tuple[str | int, ...]:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels_"):
            values = helper.get_attribute_value(attribute)
            return tuple(each.decode() if isinstance(each, bytes) else each for each in values)
    if node.op_type == "ArrayFeatureExtractor" and node.input[0] in constants:
        tensor = constants[node.input[0]]
        if tensor.data_type in LABELS:
            values = numpy_helper.to_array(tensor).ravel().tolist()
            return tuple(each.decode() if isinstance(each, bytes) else each for each in values)
    return ()


def _type(path: Path, value: onnx.ValueInfoProto) -> tuple[int, list[int | None] | None]:
    """The kind of the elements, and the shape: None for a dimension that is open, or for all where none is said."""
    if not value.type.HasField("tensor_type"):
        raise ImportRefused(f"{path}: takes or gives {_listed([value])}; allowed: tensors")
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return tensor.elem_type, None
    dimensions = tensor.shape.dim
    return tensor.elem_type, [
        dimension.dim_value if dimension.HasField("dim_value") else None for dimension in dimensions
    ]


def _kind_name(kind: int) -> str:
    return str(TensorProto.DataType.Name(kind)).lower()


def _listed(values: Sequence[onnx.ValueInfoProto]) -> str:
    """Name, kind and shape of each, for people; the first few of many."""
    texts = [_in_words(value) for value in values[:8]]
    return ", ".join(texts or ["nothing"]) + (", ..." if len(values) > 8 else "")


def _in_words(value: onnx.ValueInfoProto) -> str:
    if not value.type.HasField("tensor_type"):
        return f"{value.name!r} (no tensor)"
    tensor = value.type.tensor_type
    shape = ", ".join(
        str(each.dim_value) if each.HasField("dim_value") else each.dim_param or "?"
        for each in tensor.shape.dim
    )
    return f"{value.name!r} ({_kind_name(tensor.elem_type)}[{shape}])"
