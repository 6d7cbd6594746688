"""JSON that is none, and names that stand twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service.caller import Caller

QUALITY = "/v1/models/quality-classification/predict"


def errors(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 422, answer.text
    return [(error["row"], error["column"]) for error in answer.json["errors"]]


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


def test_a_name_given_twice_is_refused(caller: Caller) -> None:
    twice = b'{"rows":[{"light":1,"light":2,"temperature":3,"trays":4}]}'
    assert errors(caller.post("/v1/models/yield-prediction/predict", twice)) == [(0, "light")]
    hidden = b'{"rows":[{"light":1,"light":2,"trays":4}]}'
    assert errors(caller.post("/v1/models/yield-prediction/predict", hidden)) == [(0, "light")]
