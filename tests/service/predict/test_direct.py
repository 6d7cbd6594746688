"""The direct lane: when a worker is busy, and what goes through Flask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL = bundles.YIELD.example

PREDICT = "/v1/models/yield-prediction/predict"


@pytest.mark.parametrize(
    "path", ["/v1/models/yield-prediction:predict", "/v1/models/nope:predict", PREDICT]
)
def test_another_method_than_post_is_told_which_one_is_allowed(app: Any, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = app.flask.test_client().open(
            path, method=method, headers={"Authorization": "Bearer boss"}
        )
        assert answer.status_code == 405
        assert {"POST"} <= set(answer.headers["Allow"].split(", ")) <= {"POST", "OPTIONS"}


def test_a_worker_with_too_many_waiting_says_busy_and_when_to_come_back(app: Any) -> None:
    app.pipeline.state.worker.waiting = lambda: 513
    answer = Caller(app).predict("yield-prediction", SMALL)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
