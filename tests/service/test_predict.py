"""The native protocol: right on every input."""

from __future__ import annotations

import errno
import json
from typing import Any

import numpy as np
import pytest

from service.bundle.encoder import Encoder
from service.process import logs
from tests.service import bundles
from tests.service.conftest import Caller

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


def test_each_answer_says_who_gave_it(caller: Caller) -> None:
    headers = caller.predict("yield-prediction", SMALL, X_Request_Id="mine-1").headers
    names = ("X-Request-Id", "X-Model", "X-Model-Version", "X-Release", "X-Arm")
    assert [headers[name] for name in names] == [
        "mine-1",
        "yield-prediction",
        "1",
        "r1",
        "champion",
    ]


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
    contract = {one.model: one for one in (bundles.QUALITY, bundles.YIELD, bundles.RECIPE)}[model]
    rows = bundles.rows_for(contract, 40, seed=3)
    fast = caller.post(f"/v1/models/{model}/predict", {"rows": rows}).json
    slow = caller.post(f"/v1/models/{model}/predict", {"rows": rows, "ignore_unknown": True}).json
    assert fast["predictions"] == slow["predictions"]


def test_predictions_are_the_pipelines_own(caller: Caller) -> None:
    pipeline, _ = bundles.fit(bundles.YIELD, linear=True)
    rows = bundles.rows_for(bundles.YIELD, 50, seed=5)
    expected = pipeline.predict(Encoder(bundles.YIELD).encode_rows(rows))
    found = caller.predict("yield-prediction", *rows).json["predictions"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


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
        b"",
        b"{",
        b"null x",
        b"\xff\xfe",
        b'{"rows":[{"light":01}]}',
        b'{"rows":' + b"[" * 100_000,
        b'{"rows": [{"light": ' + b"9" * 5000 + b"}]}",
    ],
)
def test_what_is_no_json_is_a_400(caller: Caller, body: bytes) -> None:
    answer = caller.post(QUALITY, body)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:swarmline:problem:not-json")


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


def test_a_name_given_twice_is_refused(caller: Caller) -> None:
    twice = b'{"rows":[{"light":1,"light":2,"temperature":3,"trays":4}]}'
    assert errors(caller.post("/v1/models/yield-prediction/predict", twice)) == [(0, "light")]
    hidden = b'{"rows":[{"light":1,"light":2,"trays":4}]}'
    assert errors(caller.post("/v1/models/yield-prediction/predict", hidden)) == [(0, "light")]


def test_a_hundred_entries_are_shown_and_all_are_counted(caller: Caller) -> None:
    answer = caller.predict("yield-prediction", *[{"light": -1}] * 300).json
    assert (len(answer["errors"]), answer["total"]) == (100, 600)


def test_more_rows_than_allowed_are_refused(make_app: Any) -> None:
    caller = Caller(make_app(MAX_ROWS="2"))
    assert caller.predict("yield-prediction", SMALL, SMALL).status_code == 200
    assert "up to 2 rows" in caller.predict("yield-prediction", SMALL, SMALL, SMALL).json["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("v1/models/yield-prediction/predict", {"rows": [{}] * 9}),
        ("v1/models/yield-prediction/predict", {"columns": {"light": ["x"] * 9}}),
        ("v1/models/yield-prediction/invocations", {"inputs": {"light": ["x"] * 9}}),
        ("v1/models/yield-prediction/invocations", {"instances": [{}] * 9}),
        ("v1/models/yield-prediction/invocations", {"dataframe_split": {"data": [[]] * 9}}),
        (
            "v2/models/yield-prediction/infer",
            {"inputs": [{"name": "light", "shape": [9], "datatype": "FP32", "data": ["x"] * 9}]},
        ),
    ],
)
def test_too_many_bad_rows_are_refused_before_they_are_read(
    make_app: Any, path: str, body: Any
) -> None:
    answer = Caller(make_app(MAX_ROWS="8")).post(f"/{path}", body)
    assert (answer.status_code, answer.json["total"]) == (422, 1)
    assert answer.json["errors"][0]["allowed"] == "up to 8 rows a request"


def test_a_larger_body_than_allowed_is_a_413(make_app: Any) -> None:
    caller = Caller(make_app(MAX_BODY="1024"))
    assert caller.post(QUALITY, b" " * 1025).status_code == 413


def test_another_content_type_is_a_415(caller: Caller) -> None:
    answer = caller.post(QUALITY, b"a=1", Content_Type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert "application/json" in answer.json["detail"]


def test_a_packed_body_is_unpacked_but_never_without_bound(make_app: Any) -> None:
    import gzip

    caller = Caller(make_app(MAX_BODY="2048"))
    packed = gzip.compress(json.dumps({"rows": [GOOD]}).encode())
    for name in ("gzip", "GZIP", " GZip"):
        assert caller.post(QUALITY, packed, Content_Encoding=name).status_code == 200
    assert (
        caller.post(QUALITY, gzip.compress(b" " * 9999), Content_Encoding="gzip").status_code == 413
    )
    assert caller.post(QUALITY, packed[:-9], Content_Encoding="gzip").status_code == 400
    for behind in (b"x", packed):
        answer = caller.post(QUALITY, packed + behind, Content_Encoding="gzip")
        assert answer.status_code == 400 and f"{len(behind)} bytes" in answer.json["detail"]
    assert caller.post(QUALITY, b"{}", Content_Encoding="br").status_code == 415


def test_an_unknown_model_is_a_404_with_the_models_there_are(caller: Caller) -> None:
    answer = caller.predict("nope", SMALL)
    assert answer.status_code == 404
    assert "yield-prediction" in answer.json["detail"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", "a\tb"])
def test_an_insane_request_id_is_replaced(caller: Caller, given: str) -> None:
    answer = caller.predict("yield-prediction", SMALL, X_Request_Id=given)
    assert len(answer.headers["X-Request-Id"]) == 32


def test_another_method_is_a_405_that_names_the_right_one(caller: Caller) -> None:
    answer = caller.get(QUALITY)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_what_fails_inside_stays_inside(app: Any, capfd: Any) -> None:
    app.models.find("yield-prediction").champion.predict = lambda _matrix: 1 / 0
    answer = Caller(app).predict("yield-prediction", SMALL)
    assert answer.status_code == 500
    assert "Zero" not in answer.text and "ZeroDivisionError" in capfd.readouterr().out


def test_a_log_that_cannot_be_written_fails_no_prediction(
    make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _line: bytes) -> int:
        raise OSError(errno.ENOSPC, "no space")

    caller = Caller(make_app(LOG_SAMPLE="1", JOURNAL="off"))
    monkeypatch.setattr(logs.os, "write", full)
    assert caller.predict("yield-prediction", SMALL).status_code == 200
