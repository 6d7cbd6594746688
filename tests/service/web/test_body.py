"""Bodies: bounded, unpacked, of a content type, with so many rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

QUALITY = "/v1/models/quality-classification/predict"

GOOD = bundles.QUALITY.example

SMALL = bundles.YIELD.example


def errors(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 422, answer.text
    return [(error["row"], error["column"]) for error in answer.json["errors"]]


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
