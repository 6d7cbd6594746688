"""The one path of all requests: ids, who an answer is signed by, problems, the log."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from service.process import logs
from tests.support.service import bundles
from tests.support.service.caller import Caller

PREDICT = "/v1/models/yield-prediction/predict"
SMALL = bundles.YIELD.example
MODEL_HEADERS = ("X-Model", "X-Model-Version", "X-Arm")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", PREDICT, 422),
        ("POST", "/v2/models/yield-prediction/infer", 422),
        ("POST", "/v2/models/yield-prediction/versions/9/infer", 404),
        ("POST", "/v1/models/yield-prediction/invocations", 422),
        ("POST", "/v1/models/yield-prediction/truth", 422),
        ("GET", PREDICT, 405),
        ("GET", "/v1/models/yield-prediction", 200),
        ("GET", "/v1/models/yield-prediction/nothing", 404),
    ],
)
def test_refusals_too_say_model_version_and_arm(
    app: Any, method: str, path: str, status: int
) -> None:
    answer = app.flask.test_client().open(
        path, method=method, json={}, headers={"Authorization": "Bearer boss"}
    )
    assert answer.status_code == status
    assert [answer.headers.getlist(name) for name in MODEL_HEADERS] == [
        ["yield-prediction"],
        ["1"],
        ["champion"],
    ]
    assert answer.headers.getlist("X-Release") == ["r1"] and answer.headers["X-Request-Id"]


def test_who_may_not_ask_is_not_told_the_version(app: Any) -> None:
    for key, path in (
        ("nobody", PREDICT),
        ("teller", PREDICT),
        ("narrow", "/v1/models/recipe-optimization"),
    ):
        headers = Caller(app, key).post(path, {}).headers
        assert not [name for name in MODEL_HEADERS if name in headers], (key, path)
        assert headers["X-Release"] == "r1"


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


def test_an_unknown_model_is_a_404_with_the_models_there_are(caller: Caller) -> None:
    answer = caller.predict("nope", SMALL)
    assert answer.status_code == 404
    assert "yield-prediction" in answer.json["detail"]


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "é", "a\tb"])
def test_an_insane_request_id_is_replaced(caller: Caller, sent: str) -> None:
    answer = caller.predict("yield-prediction", SMALL, X_Request_Id=sent)
    assert len(answer.headers["X-Request-Id"]) == 32


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
