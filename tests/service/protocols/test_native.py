"""The native protocol: right on every input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from service.bundle.rows.encoder import Encoder
from tests.support.service import bundles
from tests.support.service.caller import Caller

QUALITY = "/v1/models/quality-classification/predict"

GOOD = bundles.QUALITY.example

SMALL = bundles.YIELD.example


def errors(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 422, answer.text
    return [(error["row"], error["column"]) for error in answer.json["errors"]]


def test_a_classifier_answers_in_columns(caller: Caller) -> None:
    answer = caller.predict("quality-classification", GOOD, GOOD).json
    assert answer["classes"] == ["A", "B", "C"]
    assert len(answer["predictions"]) == len(answer["probabilities"]) == 2
    best = int(np.argmax(answer["probabilities"][0]))
    assert answer["predictions"][0] == answer["classes"][best]


def test_a_regression_answers_numbers_and_names_its_output(caller: Caller) -> None:
    answer = caller.predict("yield-prediction", SMALL).json
    assert answer["outputs"] == ["yield"]
    assert isinstance(answer["predictions"][0], float)


def test_several_outputs_answer_as_a_list_a_row(caller: Caller) -> None:
    answer = caller.predict("recipe-optimization", SMALL, SMALL).json
    assert answer["outputs"] == ["light", "ec", "temperature"]
    assert [len(row) for row in answer["predictions"]] == [3, 3]


def test_kserve_v1_asks_at_its_own_path(caller: Caller) -> None:
    path = "/v1/models/yield-prediction:predict"
    rows = {"instances": [SMALL, list(SMALL.values())]}
    first, second = caller.post(path, rows).json["predictions"]
    assert first == second


def test_columns_are_rows_turned(caller: Caller) -> None:
    columns = {name: [value, value] for name, value in GOOD.items()}
    turned = caller.post(QUALITY, {"columns": columns}).json
    assert (
        turned["predictions"]
        == caller.predict("quality-classification", GOOD, GOOD).json["predictions"]
    )


@pytest.mark.parametrize(
    "model", ["quality-classification", "yield-prediction", "recipe-optimization"]
)
def test_the_fast_and_the_slow_way_agree(caller: Caller, model: str) -> None:
    contract = {
        contract.model: contract for contract in (bundles.QUALITY, bundles.YIELD, bundles.RECIPE)
    }[model]
    rows = bundles.rows_for(contract, 40, seed=3)
    fast = caller.post(f"/v1/models/{model}/predict", {"rows": rows}).json
    slow = caller.post(f"/v1/models/{model}/predict", {"rows": rows, "ignore_unknown": True}).json
    assert fast["predictions"] == slow["predictions"]


def test_predictions_are_the_pipelines_own(caller: Caller) -> None:
    pipeline, _ = bundles.fit(bundles.YIELD, linear=True)
    rows = bundles.rows_for(bundles.YIELD, 50, seed=5)
    expected = pipeline.predict(Encoder(bundles.YIELD).encode_rows(rows))
    predictions = caller.predict("yield-prediction", *rows).json["predictions"]
    np.testing.assert_allclose(predictions, expected, rtol=1e-4)


def test_a_row_with_an_unknown_category_names_the_column(caller: Caller) -> None:
    answer = caller.predict("quality-classification", GOOD, GOOD | {"crop": "dill"})
    assert errors(answer) == [(1, "crop")]
    assert answer.json["errors"][0]["given"] == "dill"
    assert "'basil'" in answer.json["errors"][0]["allowed"]


def test_every_bad_field_has_its_own_entry(caller: Caller) -> None:
    bad = {"light": 101, "trays": 1.5, "crop": 3, "organic": "yes", "sown": "soon"}
    assert errors(caller.predict("quality-classification", GOOD | bad)) == [
        (0, name) for name in ("light", "trays", "crop", "organic", "sown")
    ]


def test_a_missing_column_is_named_and_a_nullable_one_may_be_missing(caller: Caller) -> None:
    without = {name: value for name, value in SMALL.items() if name != "temperature"}
    assert caller.predict("yield-prediction", without).status_code == 200
    assert errors(caller.predict("yield-prediction", {"light": 1})) == [(0, "trays")]


def test_null_is_a_value_where_the_contract_says_so(caller: Caller) -> None:
    assert caller.predict("yield-prediction", SMALL | {"temperature": None}).status_code == 200
    assert errors(caller.predict("yield-prediction", SMALL | {"light": None})) == [(0, "light")]


def test_an_unknown_field_is_refused_unless_it_is_to_be_ignored(caller: Caller) -> None:
    rows = [SMALL | {"colour": "red"}]
    path = "/v1/models/yield-prediction/predict"
    assert errors(caller.post(path, {"rows": rows})) == [(0, "colour")]
    assert caller.post(path, {"rows": rows, "ignore_unknown": True}).status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400])
def test_a_number_that_is_none_is_refused_by_name(caller: Caller, number: str) -> None:
    body = json.dumps({"rows": [SMALL]}).replace("20.0", number).encode()
    answer = caller.post("/v1/models/yield-prediction/predict", body)
    assert errors(answer) == [(0, "light")]


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"3",
        b"[]",
        b"{}",
        b'{"rows":3}',
        b'{"rows":[]}',
        b'{"rows":[3]}',
        b'{"columns":[]}',
        b'{"columns":{"light":3}}',
        b'{"columns":{}}',
        b'{"rows":[],"instances":[]}',
        b'{"row":[]}',
        b'{"rows":[{}],"ignore_unknown":3}',
        b'{"instances":[[1]]}',
        b'{"rows":[{"\\ud800":"\\ud800"}]}',
    ],
)
def test_json_of_another_shape_is_a_422_with_entries(caller: Caller, body: bytes) -> None:
    assert errors(caller.post(QUALITY, body))


def test_a_hundred_entries_are_shown_and_all_are_counted(caller: Caller) -> None:
    answer = caller.predict("yield-prediction", *[{"light": -1}] * 300).json
    assert (len(answer["errors"]), answer["total"]) == (100, 600)
