"""Truth: what really happened, told to the service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL = bundles.YIELD.example


def test_truth_is_taken_once_and_unknown_predictions_are_listed(app: Any) -> None:
    caller, path = Caller(app), "/v1/models/yield-prediction/truth"
    caller.predict("yield-prediction", SMALL, X_Request_Id="t1")
    entry = {"request_id": "t1", "value": 3.5}
    assert caller.post(path, entry).json["stored"] == 1
    assert caller.post(path, {"entries": [entry, entry | {"request_id": "t2"}]}).json == {
        "stored": 0,
        "unchanged": 1,
        "replaced": 0,
        "unknown": [{"request_id": "t2", "row": 0}],
    }
    refused = caller.post(path, entry | {"request_id": "t2"})
    assert (refused.status_code, refused.json["total"]) == (404, 1)


@pytest.mark.parametrize(
    "body",
    [{}, [], {"entries": 3}, {"entries": [3]}, {"request_id": "x"}, {"request_id": 3, "value": 1}]
    + ["\ud800", {"\ud800": 1}],
)
def test_truth_of_another_shape_is_refused(caller: Caller, body: Any) -> None:
    assert caller.post("/v1/models/yield-prediction/truth", body).status_code == 422


def test_no_journal_takes_no_truth(make_app: Any) -> None:
    caller = Caller(make_app(JOURNAL="off"))
    assert (
        caller.post(
            "/v1/models/yield-prediction/truth", {"request_id": "x", "value": 1}
        ).status_code
        == 404
    )


def test_a_dead_database_refuses_truth_for_now(make_app: Any) -> None:
    app = make_app(JOURNAL_URL="postgresql://nobody@127.0.0.1:1/none")
    answer = Caller(app).post(
        "/v1/models/yield-prediction/truth", {"request_id": "x", "value": 1.0}
    )
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_the_example_of_a_truth_is_taken_when_pasted(caller: Caller) -> None:
    paths = caller.get("/openapi.json").json["paths"]
    for model in ("quality-classification", "recipe-optimization", "yield-prediction"):
        path, row = f"/v1/models/{model}/truth", caller.get(f"/v1/models/{model}").json
        caller.predict(model, row["description"]["example"], X_Request_Id="a-request-id")
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        assert caller.post(path, content["examples"]["one"]["value"]).json["stored"] == 1, model
