"""The Open Inference Protocol, V2: one tensor a column, or one matrix in the contract's order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from flask import Response

from service.bundle.contract import Column, Matrix
from service.predict.served import Core, Prediction, Served, encode_json
from service.protocols.native import Wire
from service.protocols.tensors import Given, Shapes, Tail, pack, read_tensor
from service.views.models import as_json
from service.web.body import Environ
from service.web.digits import numbers_as_json
from service.web.problems import JSON_TYPE, NotFound, NotJson, Unavailable, Unprocessable
from service.web.strict_json import at_most, each_once, first_repeated, parse_json

if TYPE_CHECKING:
    from service.app import Service

HEADER_LENGTH = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"
DATATYPES = {
    "number": "FP64",
    "integer": "INT64",
    "category": "BYTES",
    "boolean": "BOOL",
    "timestamp": "BYTES",
}


class Requested(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, Any] = {}


class Inference(msgspec.Struct, frozen=True):
    inputs: list[Given]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Requested] = []


class Asked(NamedTuple):
    """What of a request shapes its answer. `binary`: output names that go as bytes."""

    id: str
    outputs: tuple[str, ...]
    binary: frozenset[str]


class Tensors:
    content_types: tuple[str, ...] = (JSON_TYPE, OCTETS)

    def __init__(self, served: Served):
        self._served = served
        self._max_rows = served.core.settings.max_rows
        self._shapes = Shapes(served.contract)
        self._decode = msgspec.json.Decoder(Inference).decode
        self.outputs = (
            ("predictions", "probabilities") if served.contract.classes else ("predictions",)
        )

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, Asked]:
        head, rest = split_body(body, environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH"))
        try:
            inference = self._decode(head)
        except msgspec.ValidationError as error:
            raise Unprocessable.field(
                "", str(error), "an inference request of the V2 protocol"
            ) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotJson(f"the body is not JSON: {error}") from error
        if not each_once(head, *_names_and_strings(inference)):
            parse_json(head)
        at_most(
            max((sum(given.shape[:1]) for given in inference.inputs), default=0), self._max_rows
        )
        columns, tail = {}, Tail(rest)
        for given in inference.inputs:
            if given.name in columns:
                raise Unprocessable.field(given.name, "the tensor twice", "each tensor once")
            columns[given.name] = read_tensor(given, tail)
        if tail.left:
            raise Unprocessable.field("", f"{tail.left} bytes too many", "the bytes of the inputs")
        return self._shapes.encode(inference.inputs, columns, self._served.encoder), self._asked(
            inference
        )

    def _asked(self, inference: Inference) -> Asked:
        names = tuple(output.name for output in inference.outputs) or self.outputs
        for name in names:
            if name not in self.outputs:
                raise Unprocessable.field(name, "an output", "one of " + ", ".join(self.outputs))
        twice = first_repeated(names)
        if twice is not None:
            raise Unprocessable.field(twice, "the output twice", "each output once")
        for output in inference.outputs:
            # `classification` is a client's class_count: an answer in another form than was asked for would be misread.
            if not output.parameters.keys() <= {"binary_data"}:
                given = ", ".join(output.parameters)
                raise Unprocessable.field(output.name, given, "the parameter binary_data alone")
        every = inference.parameters.get("binary_data_output") is True
        asked = {output.name: output.parameters for output in inference.outputs}
        binary = {name for name in names if asked.get(name, {}).get("binary_data", every) is True}
        return Asked(inference.id, names, frozenset(binary))

    def write(self, found: Prediction, request_id: str, asked: Asked) -> Wire:
        outputs, chunks = [], []
        for name in asked.outputs:
            datatype, values = self._output(found, name)
            described: dict[str, Any] = {"name": name, "datatype": datatype, "shape": values.shape}
            if name in asked.binary:
                chunk = pack(datatype, values)
                chunks.append(chunk)
                described["parameters"] = {"binary_data_size": len(chunk)}
            else:
                described["data"] = _data(values)
            outputs.append(described)
        head = encode_json(
            {
                "model_name": self._served.name,
                "model_version": found.side.version,
                "id": asked.id or request_id,
                "outputs": outputs,
            }
        )
        if not chunks:
            return Wire(head, [("Content-Type", JSON_TYPE)])
        headers = [("Content-Type", OCTETS), (HEADER_LENGTH, str(len(head)))]
        return Wire(head + b"".join(chunks), headers)

    def _output(self, found: Prediction, name: str) -> tuple[str, np.ndarray[Any, Any]]:
        answer, side = found.answer, found.side
        if name == "probabilities" and answer.probabilities is not None:
            return "FP32", answer.probabilities
        if side.classes:
            return "BYTES", np.array(side.labels(answer), dtype=object)
        return "FP32", answer.values[:, 0] if side.single else answer.values


def _data(values: np.ndarray[Any, Any]) -> Any:
    if values.dtype == object:
        return values.tolist()
    return msgspec.Raw(numbers_as_json(values.reshape(-1)))


def _names_and_strings(inference: Inference) -> tuple[int, int]:
    """How many names and strings a request has, by what was read of it: never more than stand there."""
    tensors: list[Given | Requested] = [*inference.inputs, *inference.outputs]
    everywhere = [inference.parameters, *(tensor.parameters for tensor in tensors)]
    parameters = [given for given in everywhere if given]
    data = [given.data for given in inference.inputs if given.data is not None]
    # Each tensor has a name, and an input a shape and a datatype too.
    names = 1 + bool(inference.id) + bool(inference.outputs) + len(tensors) + len(data)
    names += 2 * len(inference.inputs) + sum(1 + len(given) for given in parameters)
    strings = bool(inference.id) + len(tensors) + len(inference.inputs)
    strings += sum(_count_strings(given.values()) for given in parameters)
    strings += sum(
        _count_strings(given.data)
        for given in inference.inputs
        if given.data and given.datatype == "BYTES"
    )
    return names, strings


def _count_strings(values: Iterable[Any]) -> int:
    return sum(isinstance(value, str) for value in values)


def split_body(body: bytes, length: str | None) -> tuple[bytes, bytes]:
    """The JSON head and the bytes behind it."""
    if length is None:
        return body, b""
    if not length.isascii() or not length.isdigit() or int(length) > len(body):
        raise Unprocessable.field(HEADER_LENGTH, length[:50], f"a length up to {len(body)}")
    return body[: int(length)], body[int(length) :]


def _metadata(served: Served, outputs: tuple[str, ...]) -> dict[str, Any]:
    def tensor(column: Column) -> dict[str, Any]:
        return {"name": column.name, "datatype": DATATYPES[column.type], "shape": [-1]}

    width = len(served.contract.classes)
    shapes = {
        "predictions": (
            {"datatype": "BYTES", "shape": [-1]}
            if width
            else {
                "datatype": "FP32",
                "shape": [-1] if served.champion.single else [-1, len(served.contract.outputs)],
            }
        ),
        "probabilities": {"datatype": "FP32", "shape": [-1, width]},
    }
    return {
        "name": served.name,
        "versions": [served.champion.version],
        "platform": f"swarmline_{served.champion.bundle.manifest.engine}",
        "inputs": [tensor(column) for column in served.contract.columns],
        "outputs": [{"name": name, **shapes[name]} for name in outputs],
    }


def add_routes(app: Service, core: Core) -> None:
    def find(model: str, version: str | None) -> Served:
        served = core.model(model)
        if version not in (None, served.champion.version):
            raise NotFound(f"{model} is served as version {served.champion.version}")
        return served

    @app.get("/v2", endpoint="v2")
    def server() -> Response:
        found = {"name": "swarmline", "version": core.settings.release}
        return as_json({**found, "extensions": ["binary_tensor_data"]})

    @app.get("/v2/health/live", endpoint="v2_live")
    def live() -> Response:
        return as_json({"live": True})

    @app.get("/v2/health/ready", endpoint="v2_ready")
    def ready() -> Response:
        if core.state.draining:
            raise Unavailable("this replica is draining; ask another", retry_after=5)
        return as_json({"ready": True})

    @app.get("/v2/models/<model>", endpoint="v2_model")
    @app.get("/v2/models/<model>/versions/<version>", endpoint="v2_model_version")
    def metadata(model: str, version: str | None = None) -> Response:
        served = find(model, version)
        return as_json(_metadata(served, Tensors(served).outputs))

    @app.get("/v2/models/<model>/ready", endpoint="v2_model_ready")
    @app.get("/v2/models/<model>/versions/<version>/ready", endpoint="v2_model_version_ready")
    def model_ready(model: str, version: str | None = None) -> Response:
        return as_json({"name": find(model, version).name, "ready": not core.state.draining})
