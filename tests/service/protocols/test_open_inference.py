"""The Open Inference Protocol, V2: tensors as JSON and as bytes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

INFER = "/v2/models/quality-classification/infer"

YIELD = "/v2/models/yield-prediction/infer"

SMALL = bundles.YIELD.example


def tensor(name: str, datatype: str, *values: Any, shape: Any = None) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype,
        "shape": shape or [len(values)],
        "data": list(values),
    }


def small() -> list[dict[str, Any]]:
    return [
        tensor("light", "FP32", 20.0),
        tensor("temperature", "FP64", 21.5),
        tensor("trays", "INT64", 4),
    ]


def test_a_tensor_a_column_predicts_what_a_row_does(caller: Caller) -> None:
    answer = caller.post(YIELD, {"id": "7", "inputs": small()}).json
    assert answer["id"] == "7"
    native = caller.predict("yield-prediction", SMALL).json["predictions"]
    np.testing.assert_allclose(answer["outputs"][0]["data"], native, rtol=1e-6)


def test_one_matrix_stands_for_all_columns(caller: Caller) -> None:
    matrix = tensor("x", "FP32", [20, 21.5, 4], [20, None, 4], shape=[2, 3])
    first, second = caller.post(YIELD, {"inputs": [matrix]}).json["outputs"][0]["data"]
    assert first == pytest.approx(caller.predict("yield-prediction", SMALL).json["predictions"][0])
    assert second != first


def test_a_value_of_another_type_is_named_by_its_row(caller: Caller) -> None:
    matrix = tensor("x", "FP64", 20, 21.5, 4, 20, "21.5", 4, shape=[2, 3])
    (error,) = caller.post(YIELD, {"inputs": [matrix]}).json["errors"]
    assert (error["row"], error["given"], error["allowed"]) == (1, "21.5", "values of FP64")


TWICE = '{"name": "light", "name": "light", "datatype": "FP32", "shape": [1], "data": [20.0]}'


@pytest.mark.parametrize(
    "body",
    [
        '{"inputs": [], "inputs": [%s]}',
        '{"id": "1", "id": "2", "inputs": [%s]}',
        '{"inputs": [' + TWICE + ", %s]}",
        '{"inputs": [], "\\u0069nputs": [%s]}',
        '{"inputs": [%s], "parameters": {"a": 1, "a": 2}}',
        '{"inputs": [%s], "parameters": {"a": 1}, "parameters": {}}',
        '{"inputs": [%s], "outputs": [{"name": "predictions", "parameters": {"a": 1, "a": 2}}]}',
        '{"inputs": [%s], "unknown": 1, "unknown": 2}',
    ],
)
def test_a_name_that_stands_twice_is_refused_as_in_the_native_protocol(
    caller: Caller, body: str
) -> None:
    import json

    tensors = ", ".join(json.dumps(tensor) for tensor in small())
    answer = caller.post(YIELD, body.replace("%s", tensors).encode())
    assert answer.status_code == 422 and "twice" in answer.text


def test_a_category_that_is_called_like_a_field_is_no_repetition(caller: Caller) -> None:
    inputs = [tensor | {"parameters": {"name": "data", "shape": "id"}} for tensor in small()]
    assert caller.post(YIELD, {"id": "id", "inputs": inputs}).status_code == 200


def test_only_the_outputs_asked_for_are_sent(caller: Caller) -> None:
    asked = {"inputs": small(), "outputs": [{"name": "predictions"}]}
    assert [output["name"] for output in caller.post(YIELD, asked).json["outputs"]] == [
        "predictions"
    ]
    for outputs in (
        [{"name": "colour"}],
        [{"name": "predictions"}, {"name": "predictions"}],
        [{"name": "predictions", "parameters": {"classification": 3}}],
    ):
        assert caller.post(YIELD, asked | {"outputs": outputs}).status_code == 422


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [tensor("light", "FP99", 1.0)],
        [tensor("light", "FP32", 1.0, shape=[2])],
        [tensor("light", "FP32", 1.0, shape=[-1])],
        [tensor("light", "FP32", 1.0)] * 2,
        [tensor("light", "INT8", 300)],
        [{"name": "light", "datatype": "FP32", "shape": [1]}],
        [tensor("x", "FP32", 1, 2, 3.5, shape=[1, 3])],
        [tensor("x", "BYTES", "a", "b", "c", shape=[1, 3])],
        [tensor("x", "FP32", 1, 2, "c", shape=[1, 3])],
        [tensor("light", "FP32", 1.0, shape=[1, 1, 1])],
        [tensor("light", "FP32", "a")],
        [tensor("x", "FP64", 1, 10**400, 3, shape=[1, 3])],
        [tensor("x", "FP64", 200, 2, 3, shape=[1, 3])],
        [tensor("x", "FP64", "11.5", 2, 3, shape=[1, 3])],
        [tensor("x", "FP32", 11.5, 2, True, shape=[1, 3])],
        [tensor("x", "FP32", 11.5, 2, [3], shape=[1, 3])],
        [tensor("light", "BYTES", 20.0), *small()[1:]],
        [tensor("light", "FP32", True), *small()[1:]],
        [tensor("x", "FP64", 2, 2, 3, shape=[10**30, 3])],
        [tensor("x", "FP64", 2, 2, 3, shape=[3] * 200_000)],
        [tensor("x", "FP64", 2, 2, 3, shape=[2**63 - 1] * 300)],
        [tensor("x", "FP64", 2, 2, 3, shape=[int("9" * 4000)] * 2)],
    ],
)
def test_tensors_that_cannot_be_are_refused_with_an_error_that_clients_read(
    caller: Caller, inputs: list[Any]
) -> None:
    answer = caller.post(YIELD, {"inputs": inputs})
    assert answer.status_code == 422, answer.text
    assert answer.json["error"] == answer.json["detail"]


@pytest.mark.parametrize(
    ("datatype", "chunk", "size"),
    [
        ("FP32", b"123", 3),
        ("BYTES", b"\x09\0\0\0ab", 6),
        ("BYTES", b"\x01", 1),
        ("FP32", b"1234", 9),
    ],
)
def test_broken_bytes_are_refused(caller: Caller, datatype: str, chunk: bytes, size: int) -> None:
    import json

    tensor = {
        "name": "light",
        "datatype": datatype,
        "shape": [1],
        "parameters": {"binary_data_size": size},
    }
    head = json.dumps({"inputs": [tensor]}).encode()
    answer = caller.post(YIELD, head + chunk, Inference_Header_Content_Length=str(len(head)))
    assert answer.status_code == 422


@pytest.mark.parametrize("length", ["-1", "x", "99999", "٣"])
def test_a_header_length_that_cannot_be_is_refused(caller: Caller, length: str) -> None:
    answer = caller.post(
        YIELD, b"{}", Inference_Header_Content_Length=length.encode().decode("latin-1")
    )
    assert answer.status_code == 422


def test_bytes_go_in_and_come_out(caller: Caller) -> None:
    import json

    crop = b"basil"
    chunk = struct.pack("<f", 20.0) + struct.pack("<I", len(crop)) + crop
    inputs = [
        {"name": "light", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}},
        {"name": "crop", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 9}},
        tensor("temperature", "FP32", None),
        tensor("trays", "INT32", 4),
        tensor("organic", "BOOL", True),
        tensor("sown", "BYTES", "2026-03-01"),
    ]
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    answer = caller.post(INFER, head + chunk, Inference_Header_Content_Length=str(len(head)))
    size = int(answer.headers["Inference-Header-Content-Length"])
    assert np.frombuffer(answer.data[size:], "<f4").sum() == pytest.approx(1.0, abs=1e-5)
