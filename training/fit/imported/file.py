"""Reads an ONNX file from elsewhere, and refuses what is broken, huge, random, or reaches beyond its own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import inliner
from onnx.external_data_helper import load_external_data_for_model

from training.common.errors import TrainingError

#: Of the file with its tensors; what is larger serves no table, and would not fit the replicas' memory.
MOST_MB = 500
#: Operators that any engine for ONNX has; others need a library that the service lacks.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
#: What may never end, and what answers differently each time.
REFUSED = {
    "Loop": "it may never end",
    **dict.fromkeys(
        ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
        "it answers differently each time",
    ),
    **dict.fromkeys(("Multinomial", "Bernoulli"), "it answers differently each time"),
}


class ImportRefused(TrainingError):
    """A model from elsewhere that cannot be used; the message begins with its file."""


def read_model(path: Path) -> onnx.ModelProto:
    """The model with all its tensors, and nothing in it that is not checked."""
    model = _parse(path)
    tensors = [tensor for graph in _graphs(model) for tensor in _tensors(graph)]
    _check_size(path, tensors)
    try:
        load_external_data_for_model(model, str(path.parent))
        onnx.checker.check_model(model)
        model = inliner.inline_local_functions(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError, OSError) as error:
        raise ImportRefused(f"{path}: is no valid ONNX model: {first_line(error)}") from error
    for graph in _graphs(model):
        _external_is_refused(path, graph)
        for node in graph.node:
            _check_operator(path, node)
    return model


def _external_is_refused(path: Path, graph: onnx.GraphProto) -> None:
    """All tensors were read by now: one that is left would be looked for where the model is served."""
    for tensor in _tensors(graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ImportRefused(f"{path}: the tensor {tensor.name!r} is not in the file")


def content(path: Path) -> str:
    """The hash of the file, and of the files beside it that hold its tensors."""
    model = _parse(path)
    tensors = [tensor for graph in _graphs(model) for tensor in _tensors(graph)]
    _check_size(path, tensors)
    files = sorted({path, *(path.parent / name for name in _external(path, tensors))})
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _parse(path: Path) -> onnx.ModelProto:
    try:
        if path.stat().st_size > MOST_MB * 1e6:
            raise ImportRefused(_too_large(path, path.stat().st_size))
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise ImportRefused(f"{path}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ImportRefused(f"{path}: is no ONNX model; it cannot be parsed as one") from error
    if not model.graph.node:
        raise ImportRefused(f"{path}: is no ONNX model, or one that computes nothing")
    return model


def _check_size(path: Path, tensors: list[onnx.TensorProto]) -> None:
    names = _external(path, tensors)
    size = sum(file.stat().st_size for file in [path, *(path.parent / name for name in names)])
    if size > MOST_MB * 1e6:
        raise ImportRefused(_too_large(path, size))


def _too_large(path: Path, size: int) -> str:
    return f"{path}: has {size / 1e6:.0f} MB with its tensors; allowed are {MOST_MB} MB"


def _external(path: Path, tensors: list[onnx.TensorProto]) -> set[str]:
    """The files that hold tensors: in the model's own folder, or the model would read what its maker names."""
    names = {
        entry.value
        for tensor in tensors
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in names:
        file = path.parent / name
        if Path(name).name != name or name in ("", ".", ".."):
            raise ImportRefused(
                f"{path}: keeps tensors in {name!r}; allowed is a file beside it, by its name alone"
            )
        if file.is_symlink() or not file.is_file():
            raise ImportRefused(f"{path}: keeps tensors in {name!r}, which is no file beside it")
    return names


def _check_operator(path: Path, node: onnx.NodeProto) -> None:
    if node.domain not in DOMAINS:
        raise ImportRefused(
            f"{path}: needs the operator {node.op_type} of {node.domain!r}, which the service has not;"
            " allowed are those of ai.onnx and ai.onnx.ml: export the model without optimizations of a runtime"
        )
    if reason := REFUSED.get(node.op_type):
        raise ImportRefused(f"{path}: has the operator {node.op_type}: {reason}")


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The graph, and those inside its nodes and functions."""
    waiting = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    waiting += [graph for node in nodes for graph in _inside(node)]
    # As if they stood in a graph: their attributes hold tensors, too.
    yield onnx.GraphProto(node=nodes)
    while waiting:
        graph = waiting.pop()
        yield graph
        waiting += [inner for node in graph.node for inner in _inside(node)]


def _inside(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            sparse += [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            sparse += attribute.sparse_tensors
    for each in sparse:
        yield each.values
        yield each.indices


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
