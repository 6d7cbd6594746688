"""Models as other tools export them, and as somebody would who means harm: ONNX by hand and by skl2onnx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.support.plants import plants

COLUMNS = ["kind", "light", "leaves", "watered"]
OPSET = {"": 18, "ai.onnx.ml": 3}
Matrix = np.ndarray[Any, np.dtype[np.float32]]


def matrix() -> Matrix:
    """The plants as the contract encodes them."""
    rows = plants()[COLUMNS]
    return rows.assign(kind=(rows["kind"] == "tree").astype(float)).to_numpy(dtype=np.float32)


def forest(labels: Sequence[Any], zipmap: bool) -> bytes:
    """A forest that was told these labels."""
    model = RandomForestClassifier(5, random_state=0).fit(matrix(), labels)
    options = None if zipmap else {id(model): {"zipmap": False}}
    return _bytes(to_onnx(model, matrix()[:1], options=options, target_opset=OPSET))


def numbers() -> bytes:
    model = RandomForestRegressor(5, random_state=0).fit(matrix(), plants()["weight"])
    return _bytes(to_onnx(model, matrix()[:1], target_opset=OPSET))


def by_column() -> bytes:
    """A pipeline that takes the table's own columns, the kind as a text."""
    rows = plants()[COLUMNS].assign(watered=lambda frame: frame["watered"].astype(np.float32))
    columns = make_column_transformer(
        (OneHotEncoder(), ["kind"]),
        (SimpleImputer(), ["light", "leaves"]),
        ("passthrough", ["watered"]),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(rows, plants()["grade"])
    types = [("kind", StringTensorType([None, 1]))]
    types += [(name, FloatTensorType([None, 1])) for name in COLUMNS[1:]]
    return _bytes(to_onnx(model, initial_types=types, target_opset=OPSET))


def by_list(last: str) -> bytes:
    """The sum of all columns, each of them a list of values, the kind as a text; and a last step such as Sigmoid."""
    codes = {"keys_strings": ["herb", "tree"], "values_floats": [0.0, 1.0]}
    nodes = [
        helper.make_node("LabelEncoder", ["kind"], ["code"], domain="ai.onnx.ml", **codes),
        helper.make_node("Sum", ["code", *COLUMNS[1:]], ["z"]),
        helper.make_node(last, ["z"], ["y"]),
    ]
    kinds = {name: TensorProto.FLOAT for name in (*COLUMNS, "y")} | {"kind": TensorProto.STRING}
    values = {name: helper.make_tensor_value_info(name, kinds[name], [None]) for name in kinds}
    graph = helper.make_graph(nodes, "by-list", [values[name] for name in COLUMNS], [values["y"]])
    opsets = [helper.make_opsetid(name, version) for name, version in OPSET.items()]
    return _bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9))


def _bytes(model: Any) -> bytes:
    return bytes(model.SerializeToString())


def by_hand(
    *nodes: onnx.NodeProto,
    shape: Sequence[Any] = (None, 4),
    kind: int = TensorProto.FLOAT,
    outputs: Sequence[tuple[str, int]] = (("y", TensorProto.FLOAT),),
    weights: dict[str, np.ndarray[Any, Any]] | None = None,
    domains: Sequence[str] = (),
) -> bytes:
    """A model of one input `x` of these nodes."""
    graph = helper.make_graph(
        nodes,
        "by-hand",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, [None, None]) for name, kind in outputs],
        [numpy_helper.from_array(values, name) for name, values in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(name, 1) for name in domains)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def network(last: str, width: int, **shape: Any) -> bytes:
    """A layer as PyTorch exports it: no labels, a last step such as Softmax, Sigmoid or Identity."""
    weights = {"w": np.linspace(-0.1, 0.1, 4 * width, dtype=np.float32).reshape(4, width)}
    filled = helper.make_node("IsNaN", ["x"], ["missing"])
    zero = {"zero": np.zeros(1, dtype=np.float32), **weights}
    clean = helper.make_node("Where", ["missing", "zero", "x"], ["clean"])
    product = helper.make_node("MatMul", ["clean", "w"], ["z"])
    end = helper.make_node(last, ["z"], ["y"])
    return by_hand(filled, clean, product, end, weights=zero, **shape)


def with_external_data(path: Path, location: str) -> None:
    """A model whose weights lie in another file, of this name."""
    model = onnx.load_model_from_string(network("Softmax", 2))
    tensor = next(each for each in model.graph.initializer if each.name == "w")
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (path.parent / "weights.bin").write_bytes(data)
    path.write_bytes(model.SerializeToString())


Make = Callable[[], bytes]
