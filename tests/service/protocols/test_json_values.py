"""Numbers in JSON are the float32 that was computed, in every protocol, as the binary answer has them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.bundle.engines import Answer
from service.protocols.json_values import encode_numbers
from tests.support.service import bundles
from tests.support.service.caller import Caller

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
ODDS = np.array([[8.1601e-7, 3e-9, 0.99999917], [1e-38, 0.1, 1 / 3]], dtype=np.float32)
VALUES = np.array([[1.2345678e-12], [16777217.0]], dtype=np.float32)


@settings(deadline=None)
@given(arrays.arrays(np.float32, st.sampled_from([0, 1, 40, (3, 4)]), elements=FINITE))
def test_what_is_written_is_read_as_the_same_float32(numbers: Any) -> None:
    text = encode_numbers(numbers)
    for read in (json.loads, msgspec.json.decode):
        again = np.array(read(text), dtype=np.float32)
        np.testing.assert_array_equal(again.reshape(numbers.shape), numbers)
        np.testing.assert_array_equal(
            np.signbit(again).reshape(-1), np.signbit(numbers).reshape(-1)
        )


def test_a_column_of_a_matrix_is_written_as_it_reads() -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert encode_numbers(matrix[:, 1]) == b"[1.0,3.0,5.0]"
    assert encode_numbers(matrix.T) == b"[[0.0,2.0,4.0],[1.0,3.0,5.0]]"


def test_what_json_has_no_name_for_is_null() -> None:
    assert encode_numbers(np.array([np.nan, np.inf, -np.inf], np.float32)) == b"[null,null,null]"


def digits_of(number: float) -> int:
    return len(str(number).lstrip("-").partition("e")[0].replace(".", "").strip("0"))


@settings(deadline=None)
@given(FINITE)
def test_numbers_are_written_without_noise(number: float) -> None:
    written = json.loads(encode_numbers(np.full(2, number, np.float32)))[0]
    assert digits_of(written) <= digits_of(float(str(np.float32(number)))) <= 9


def answering(app: Any, model: str, answer: Answer) -> Caller:
    app.models.find(model).champion.predict = lambda matrix: Answer(
        *(None if part is None else part[: len(matrix)] for part in answer)
    )
    return Caller(app)


def binary(caller: Caller, model: str, rows: list[Any], output: str) -> np.ndarray[Any, Any]:
    example = caller.get("/openapi.json").json["paths"][f"/v2/models/{model}/infer"]["post"]
    body = example["requestBody"]["content"]["application/json"]["examples"]["tensors"]["value"]
    for tensor in body["inputs"]:
        tensor["shape"], tensor["data"] = [len(rows)], tensor["data"] * len(rows)
    asked = [{"name": output, "parameters": {"binary_data": True}}]
    answer = caller.post(f"/v2/models/{model}/infer", body | {"outputs": asked})
    start = int(answer.headers["Inference-Header-Content-Length"])
    plain = caller.post(f"/v2/models/{model}/infer", body | {"outputs": [{"name": output}]})
    numbers = np.frombuffer(answer.data[start:], "<f4")
    np.testing.assert_array_equal(np.float32(plain.json["outputs"][0]["data"]), numbers)
    return numbers


@pytest.mark.parametrize("copies", [1, 20])
def test_small_probabilities_keep_their_digits_in_every_protocol(app: Any, copies: int) -> None:
    odds, model = np.repeat(ODDS, copies, axis=0), "quality-classification"
    caller = answering(app, model, Answer(np.zeros(len(odds), dtype=np.int64), odds))
    rows = [bundles.QUALITY.example] * len(odds)
    native = caller.predict(model, *rows).json["probabilities"]
    np.testing.assert_array_equal(np.float32(native), odds)
    np.testing.assert_array_equal(binary(caller, model, rows, "probabilities"), odds.reshape(-1))


@pytest.mark.parametrize("copies", [1, 20])
def test_predicted_numbers_are_the_same_in_every_protocol(app: Any, copies: int) -> None:
    values, model = np.repeat(VALUES, copies, axis=0), "yield-prediction"
    caller = answering(app, model, Answer(values))
    rows = [bundles.YIELD.example] * len(values)
    native = caller.predict(model, *rows).json["predictions"]
    frames = caller.post(f"/v1/models/{model}/invocations", {"dataframe_records": rows}).json
    assert frames["predictions"] == native and native[0] == 1.2345678e-12
    np.testing.assert_array_equal(binary(caller, model, rows, "predictions"), np.float32(native))
