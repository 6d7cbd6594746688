"""MLflow's scoring protocol, and its tables as CSV."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

YIELD = "/v2/models/yield-prediction/infer"

SCORE = "/v1/models/yield-prediction/invocations"

SMALL = bundles.YIELD.example


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [SMALL]},
        {"instances": [SMALL]},
        {"inputs": [SMALL]},
        {"dataframe_split": {"columns": list(SMALL), "data": [list(SMALL.values())]}},
        {"inputs": {name: [value] for name, value in SMALL.items()}},
        {"instances": {name: [[value]] for name, value in SMALL.items()}, "params": {}},
    ],
)
def test_mlflows_shapes_all_predict_the_same(caller: Caller, body: Any) -> None:
    native = caller.predict("yield-prediction", SMALL).json["predictions"]
    assert caller.post(SCORE, body).json == {"predictions": native}


def test_a_data_frames_nan_is_a_null_only_where_one_may_be(caller: Caller) -> None:
    body = b'{"dataframe_records":[{"light":1,"temperature":NaN,"trays":2}]}'
    assert caller.post(SCORE, body).status_code == 200
    answer = caller.post(SCORE, body.replace(b'"light":1', b'"light":NaN'))
    assert [error["column"] for error in answer.json["errors"]] == ["light"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"dataframe_split": 3},
        {"dataframe_split": {"columns": ["light"]}},
        {"dataframe_split": {"columns": ["light", "light"], "data": []}},
        {"inputs": "x"},
        {"dataframe_split": {"columns": ["light"], "data": [[1, 2]]}},
        {"inputs": {"light": {}}},
        {"dataframe_split": {"columns": [3], "data": []}},
        {"dataframe_records": []},
    ],
)
def test_what_mlflow_would_not_send_is_refused(caller: Caller, body: Any) -> None:
    assert caller.post(SCORE, body).status_code == 422


def test_a_table_as_csv_predicts_what_its_rows_do(caller: Caller) -> None:
    rows = [
        bundles.QUALITY.example,
        bundles.rows_for(bundles.QUALITY, 1)[0] | {"temperature": None},
    ]
    lines = [",".join(rows[0])] + [
        ",".join("" if value is None else str(value) for value in row.values()) for row in rows
    ]
    for body in ("\n".join(lines), "\ufeff" + "\r\n".join(lines) + "\r\n\r\n"):
        path = "/v1/models/quality-classification/invocations"
        answer = caller.post(path, body.encode(), Content_Type="text/csv; charset=utf-8")
        native = caller.predict("quality-classification", *rows).json["predictions"]
        assert answer.json == {"predictions": native}


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ("light,temperature,trays\n20,21.5,many", 422, "trays"),
        ("light,temperature,trays\n٣,21.5,4", 422, "light"),
        ("light,temperature,trays\n,21.5,4", 422, "light"),
        ("light,temperature,trays\n1_0,21.5,4", 422, "light"),
        ("light,temperature,trays\n20,21.5,4.5", 422, "trays"),
        ("light,temperature,trays,light\n20,21.5,4,20", 422, "light"),
        ("light,temperature,trays,hue\n20,21.5,4,20", 422, "hue"),
        ("light,temperature,trays\n20,21.5", 422, "3 values"),
        ("light,temperature,trays\n", 422, "at least one row"),
        ("", 422, "at least one row"),
        ("light,temperature,trays" + "\n20,21.5,4" * 10_001, 422, "more than 10000 rows"),
        ('light,temperature,trays\n20,21.5,"4', 400, "not CSV"),
        ("light,temperature,trays\n20,21.5,\0", 422, "trays"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_name(
    caller: Caller, body: str, status: int, named: str
) -> None:
    answer = caller.post(SCORE, body.encode(), Content_Type="text/csv")
    assert answer.status_code == status and named in answer.text, answer.text


def test_csv_is_for_mlflows_route_and_utf_8(caller: Caller) -> None:
    assert caller.post(YIELD, b"light\n1", Content_Type="text/csv").status_code == 415
    assert caller.post(SCORE, b"light\n\xff", Content_Type="text/csv").status_code == 400
