"""Predictions over the wire, with the poller and with Gunicorn's own worker alike."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
import websocket

from tests.support.service import bundles
from tests.support.service.calls import KEY, PREDICT, SMALL
from tests.support.service.server import Server

pytestmark = pytest.mark.slow

ROWS = json.dumps({"rows": [SMALL] * 3}).encode()
JSON = {"Content-Type": "application/json"}
#: What is sent to `PREDICT`, with which headers beside the key, and the status of its answer.
SENT: list[tuple[Any, dict[str, str], int]] = [
    (ROWS, JSON, 200),
    (gzip.compress(ROWS), JSON | {"Content-Encoding": "gzip"}, 200),
    (json.dumps({"rows": [SMALL] * 3000}).encode(), JSON, 200),
    ([ROWS[:9], ROWS[9:]], JSON, 200),
    (ROWS, JSON | {"Expect": "100-continue"}, 200),
    (ROWS, JSON | {"Authorization": "Bearer nobody"}, 401),
    (ROWS, {"Content-Type": "text/html"}, 415),
    (b"{", JSON, 400),
    (b" " * 2_000_000, JSON, 413),
    (b'{"rows":[{}]}', JSON, 422),
]


@pytest.mark.parametrize("worker", ["poller", "gthread"])
def test_both_workers_answer_alike(start_server: Callable[..., Server], worker: str) -> None:
    server = start_server(WORKER=worker, WORKERS="1", MAX_BODY="1000000", JOURNAL="off")
    for body, headers, status in SENT:
        answer = requests.post(
            server.url + PREDICT,
            data=iter(body) if isinstance(body, list) else body,
            headers=KEY | headers,
            timeout=20,
        )
        assert (answer.status_code, headers) == (status, headers), answer.text
    with requests.Session() as session:
        # One after the other, on one connection.
        for path in (PREDICT, f"/v1/models/{bundles.YIELD.model}:predict", PREDICT):
            assert session.post(server.url + path, data=ROWS, headers=KEY | JSON).status_code == 200
        assert session.get(f"{server.url}/v1/models", headers=KEY).status_code == 200
    address = server.url.replace("http", "ws") + f"/v1/models/{bundles.YIELD.model}/stream"
    stream = websocket.create_connection(address, header=["Authorization: Bearer boss"], timeout=10)
    stream.send(json.dumps(SMALL))
    assert len(json.loads(stream.recv())["predictions"]) == 1
    stream.close()
