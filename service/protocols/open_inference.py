"""The Open Inference Protocol, V2: one tensor a column, or one matrix in the contract's order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from service.bundle.contract import Contract, Matrix
from service.predict.arm import Prediction
from service.predict.served import ServedModel
from service.protocols.json_values import encode_numbers
from service.protocols.tensors import InputTensor, Tail, TensorEncoder, pack, read_tensor
from service.web.body import Environ, check_row_limit
from service.web.problems import NotJson, Unprocessable
from service.web.reply import JSON_TYPE, OCTETS_TYPE, Reply, encode_json
from service.web.strict_json import first_duplicate, has_no_duplicate_name, parse_json

HEADER_LENGTH = "Inference-Header-Content-Length"
DATATYPES = {
    "number": "FP64",
    "integer": "INT64",
    "category": "BYTES",
    "boolean": "BOOL",
    "timestamp": "BYTES",
}


class OutputRequest(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, Any] = {}


class Inference(msgspec.Struct, frozen=True):
    inputs: list[InputTensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[OutputRequest] = []


class AnswerForm(NamedTuple):
    """What of a request shapes its answer. `binary`: output names that go as bytes."""

    id: str
    outputs: tuple[str, ...]
    binary: frozenset[str]


class OpenInferenceProtocol:
    content_types: tuple[str, ...] = (JSON_TYPE, OCTETS_TYPE)

    def __init__(self, model: ServedModel):
        self._name, self._encoder, self._max_rows = model.name, model.encoder, model.max_rows
        self._tensors = TensorEncoder(model.contract)
        self._decode = msgspec.json.Decoder(Inference).decode
        self._outputs = output_names(model.contract)

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, AnswerForm]:
        head, rest = split_body(body, environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH"))
        try:
            inference = self._decode(head)
        except msgspec.ValidationError as error:
            raise Unprocessable.field(
                "", str(error), "an inference request of the V2 protocol"
            ) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotJson(f"the body is not JSON: {error}") from error
        if not has_no_duplicate_name(head, *_count_names_and_strings(inference)):
            parse_json(head)
        check_row_limit(
            max((sum(tensor.shape[:1]) for tensor in inference.inputs), default=0), self._max_rows
        )
        columns, tail = {}, Tail(rest)
        for tensor in inference.inputs:
            if tensor.name in columns:
                raise Unprocessable.field(tensor.name, "the tensor twice", "each tensor once")
            columns[tensor.name] = read_tensor(tensor, tail)
        if tail.left:
            raise Unprocessable.field("", f"{tail.left} bytes too many", "the bytes of the inputs")
        matrix = self._tensors.encode(inference.inputs, columns, self._encoder)
        return matrix, self._answer_form(inference)

    def _answer_form(self, inference: Inference) -> AnswerForm:
        names = tuple(output.name for output in inference.outputs) or self._outputs
        for name in names:
            if name not in self._outputs:
                raise Unprocessable.field(name, "an output", "one of " + ", ".join(self._outputs))
        duplicate = first_duplicate(names)
        if duplicate is not None:
            raise Unprocessable.field(duplicate, "the output twice", "each output once")
        for output in inference.outputs:
            # `classification` is a client's class_count: an answer in another form than was asked for would be misread.
            if not output.parameters.keys() <= {"binary_data"}:
                parameters = ", ".join(output.parameters)
                raise Unprocessable.field(
                    output.name, parameters, "the parameter binary_data alone"
                )
        every = inference.parameters.get("binary_data_output") is True
        wanted = {output.name: output.parameters for output in inference.outputs}
        binary = {name for name in names if wanted.get(name, {}).get("binary_data", every) is True}
        return AnswerForm(inference.id, names, frozenset(binary))

    def write(self, prediction: Prediction, request_id: str, form: AnswerForm) -> Reply:
        outputs, chunks = [], []
        for name in form.outputs:
            datatype, values = _output(prediction, name)
            output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": values.shape}
            if name in form.binary:
                chunk = pack(datatype, values)
                chunks.append(chunk)
                output["parameters"] = {"binary_data_size": len(chunk)}
            else:
                output["data"] = _data(values)
            outputs.append(output)
        head = encode_json(
            {
                "model_name": self._name,
                "model_version": prediction.arm.version,
                "id": form.id or request_id,
                "outputs": outputs,
            }
        )
        if not chunks:
            return Reply("200 OK", [("Content-Type", JSON_TYPE)], head)
        headers = [("Content-Type", OCTETS_TYPE), (HEADER_LENGTH, str(len(head)))]
        return Reply("200 OK", headers, head + b"".join(chunks))


def output_names(contract: Contract) -> tuple[str, ...]:
    return ("predictions", "probabilities") if contract.classes else ("predictions",)


def _output(prediction: Prediction, name: str) -> tuple[str, np.ndarray[Any, Any]]:
    arm, answer = prediction
    if name == "probabilities" and answer.probabilities is not None:
        return "FP32", answer.probabilities
    if arm.classes:
        return "BYTES", np.array(arm.labels(answer), dtype=object)
    return "FP32", answer.values[:, 0] if arm.has_one_output else answer.values


def _data(values: np.ndarray[Any, Any]) -> Any:
    if values.dtype == object:
        return values.tolist()
    return msgspec.Raw(encode_numbers(values.reshape(-1)))


def _count_names_and_strings(inference: Inference) -> tuple[int, int]:
    """How many names and strings a request has, by what was read of it: never more than stand there."""
    tensors: list[InputTensor | OutputRequest] = [*inference.inputs, *inference.outputs]
    everywhere = [inference.parameters, *(tensor.parameters for tensor in tensors)]
    parameters = [members for members in everywhere if members]
    data = [tensor.data for tensor in inference.inputs if tensor.data is not None]
    # Each tensor has a name, and an input a shape and a datatype too.
    names = 1 + bool(inference.id) + bool(inference.outputs) + len(tensors) + len(data)
    names += 2 * len(inference.inputs) + sum(1 + len(members) for members in parameters)
    strings = bool(inference.id) + len(tensors) + len(inference.inputs)
    strings += sum(_count_strings(members.values()) for members in parameters)
    strings += sum(
        _count_strings(tensor.data)
        for tensor in inference.inputs
        if tensor.data and tensor.datatype == "BYTES"
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


def metadata(model: ServedModel) -> dict[str, Any]:
    """The model's tensors, as V2's clients ask for them."""
    classes, outputs = model.contract.classes, model.contract.outputs
    if classes:
        predicted = [
            _tensor("predictions", "BYTES"),
            _tensor("probabilities", "FP32", len(classes)),
        ]
    elif len(outputs) == 1:
        predicted = [_tensor("predictions", "FP32")]
    else:
        predicted = [_tensor("predictions", "FP32", len(outputs))]
    return {
        "name": model.name,
        "versions": [model.champion.version],
        "platform": f"swarmline_{model.champion.bundle.manifest.engine}",
        "inputs": [
            _tensor(column.name, DATATYPES[column.type]) for column in model.contract.columns
        ],
        "outputs": predicted,
    }


def _tensor(name: str, datatype: str, *width: int) -> dict[str, Any]:
    """Of any number of rows; one number or text each, or so many as `width` says."""
    return {"name": name, "datatype": datatype, "shape": [-1, *width]}
