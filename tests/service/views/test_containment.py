"""A replica that was found bad takes no more predictions; who may say so, and of whom."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.support.service import bundles
from tests.support.service.caller import Caller
from tests.support.service.calls import KEY, predict
from tests.support.service.server import Server

HERE = socket.gethostname() + "0123456789ab"


def contain(server: Server, replica: str = HERE, key: str = "boss") -> requests.Response:
    return requests.post(
        server.url + "/contain",
        json={"replica": replica, "reason": "5 % failed"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=5,
    )


@pytest.mark.slow
def test_once_contained_no_worker_predicts_nor_is_ready_and_all_else_goes_on(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    assert predict(server).status_code == 200
    assert contain(server).json()["status"] == "contained"
    for _ in range(20):
        answer = predict(server)
        assert answer.status_code == 503 and "found bad" in answer.json()["detail"]
        assert requests.get(server.url + "/health/ready", timeout=5).status_code == 503
    assert requests.get(server.url + "/health/live", timeout=5).status_code == 200
    assert "swarmline_contained 1" in requests.get(server.url + "/metrics", timeout=5).text
    models = requests.get(server.url + "/v1/models", headers=KEY, timeout=5).json()["models"]
    assert not any(model["ready"] for model in models)
    assert contain(server).status_code == 200
    log = server.log.read_text(encoding="utf-8")
    assert log.count('"event.action":"contained"') == 1 and "5 % failed" in log


@pytest.mark.slow
def test_nobody_contains_a_replica_without_a_key_for_it_or_by_anothers_name(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    assert contain(server, key="caller").status_code == 403
    assert contain(server, key="guessed").status_code == 401
    other = contain(server, replica="feedc0ffee12")
    assert other.status_code == 409 and "which is not feedc0ffee12" in other.json()["detail"]
    assert predict(server).status_code == 200


@pytest.mark.parametrize("order", [[], {}, {"replica": 7}, {"replica": "x", "more": 1}])
def test_an_order_that_cannot_be_read_says_what_to_send(caller: Caller, order: Any) -> None:
    answer = caller.post("/contain", order)
    assert answer.status_code == 400 and '"replica": "CONTAINER"' in answer.json["detail"]
    assert caller.predict("yield-prediction", bundles.YIELD.example).status_code == 200
