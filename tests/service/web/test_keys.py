"""Keys: who may do what, on which models."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from service.web.keys import BadKeys, parse_keys
from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL = bundles.YIELD.example

PREDICT = "/v1/models/yield-prediction/predict"


@pytest.mark.parametrize(
    ("key", "path", "status"),
    [
        ("caller", PREDICT, 200),
        ("nobody", PREDICT, 401),
        ("teller", PREDICT, 403),
        ("boss", PREDICT, 200),
        ("narrow", PREDICT, 200),
        ("narrow", "/v1/models/recipe-optimization/predict", 403),
        ("caller", "/v1/models/yield-prediction/truth", 403),
        ("caller", "/v1/models/yield-prediction/retrain", 403),
    ],
)
def test_a_key_may_what_its_scopes_say(app: Any, key: str, path: str, status: int) -> None:
    answer = Caller(app, key).post(path, {"rows": [SMALL]})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_may_come_as_the_password_of_basic(app: Any) -> None:
    pair = base64.b64encode(b"any:caller").decode()
    assert (
        Caller(app).post(PREDICT, {"rows": [SMALL]}, Authorization=f"Basic {pair}").status_code
        == 200
    )
    for broken in ("Basic !", "Basic", "Bearer", "Digest x", "Bearer é"):
        assert Caller(app).post(PREDICT, {}, Authorization=broken).status_code == 401


@pytest.mark.parametrize(
    "line", ["x", "x:predict", "x:fly:" + "0" * 64, "x:predict:zz", ":predict:" + "0" * 64]
)
def test_a_bad_line_of_keys_is_named_by_number_and_never_shown(line: str) -> None:
    with pytest.raises(BadKeys, match="line 2") as raised:
        parse_keys(f"# keys\n{line}", ())
    assert "zz" not in str(raised.value)


@pytest.mark.parametrize("nothing", ["", "\n", "\r\n"])
def test_the_sum_of_nothing_is_no_key(nothing: str) -> None:
    """What the documented line writes where its variable is not set would let in who shows no key."""
    digest = hashlib.sha256(nothing.encode()).hexdigest()
    with pytest.raises(BadKeys, match="line 2.*SHA-256 of nothing"):
        parse_keys(f"# keys\nshop:predict:{digest}\n", ())


def test_keys_of_which_only_comments_are_left_let_nobody_in() -> None:
    with pytest.raises(BadKeys, match="KEYS has no key"):
        parse_keys("# all of them expired\n", ())
    assert parse_keys("", ()) == ()


def test_a_key_limited_to_a_model_that_is_not_served_refuses_the_start() -> None:
    line = f"shop:predict:{'0' * 64}:yield-prediction,yeild-prediction"
    with pytest.raises(BadKeys, match="line 2.*served are yield-prediction"):
        parse_keys(f"# keys\n{line}", ("yield-prediction",))


def test_a_key_sees_the_models_that_it_may_ask_and_no_others(app: Any) -> None:
    names = [model["name"] for model in Caller(app, "narrow").get("/v1/models").json["models"]]
    assert names == ["yield-prediction"]
    assert Caller(app, "narrow").get("/v1/models/recipe-optimization").status_code == 403
    assert Caller(app, "keeper").get("/v1/models/recipe-optimization").status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/yield-prediction", "/v2"])
def test_a_key_that_only_tells_the_truth_sees_no_models(app: Any, path: str) -> None:
    answer = Caller(app, "teller").get(path)
    assert answer.status_code == 403 and "predict or admin" in answer.json["detail"]
