"""Streams over WebSocket, on the service as a process."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import websocket

from tests.support.service import bundles
from tests.support.service.calls import KEY, SMALL, predict, raw
from tests.support.service.server import Server, wait_for

pytestmark = pytest.mark.slow


def open_stream(server: Server, model: str = "yield-prediction") -> websocket.WebSocket:
    url = server.url.replace("http", "ws") + f"/v1/models/{model}/stream"
    return websocket.create_connection(url, header=["Authorization: Bearer boss"], timeout=10)


def test_a_stream_answers_rows_in_order_and_survives_bad_ones(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    stream = open_stream(server)
    for light in (1, 2, "x", 3):
        stream.send(json.dumps(SMALL | {"light": light}))
    answers = [json.loads(stream.recv()) for _ in range(4)]
    stream.send(json.dumps({"rows": [SMALL, SMALL]}))
    assert len(json.loads(stream.recv())["predictions"]) == 2
    stream.close()
    assert answers[2]["errors"][0]["column"] == "light"
    numbers = [answer["predictions"][0] for answer in answers if "predictions" in answer]
    assert numbers == sorted(numbers) and len(numbers) == 3


def test_open_streams_never_starve_the_other_routes(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", THREADS="1", STREAMS="3")
    streams = [open_stream(server) for _ in range(3)]
    with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
        open_stream(server)
    assert predict(server).status_code == 200
    streams.pop().close()
    wait_for(lambda: try_stream(server))
    for stream in streams:
        stream.close()


def try_stream(server: Server) -> bool:
    try:
        open_stream(server).close()
    except websocket.WebSocketBadStatusException:
        return False
    return True


def test_a_stream_needs_a_key_and_a_model(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1")
    with pytest.raises(websocket.WebSocketBadStatusException, match="404"):
        open_stream(server, "nope")
    with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
        websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/v1/models/yield-prediction/stream"
        )
    plain = requests.get(server.url + "/v1/models/yield-prediction/stream", headers=KEY, timeout=5)
    assert plain.status_code == 400


def test_a_stream_with_a_bad_subject_is_refused_as_http(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(WORKERS="1", JOURNAL="off")
    fields = (
        "Host: x\r\nAuthorization: Bearer boss\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    )
    fields += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    head = f"GET /v1/models/yield-prediction/stream HTTP/1.1\r\n{fields}X-Subject: a b\r\n\r\n"
    link = raw(server, head.encode())
    assert link.recv(4096).startswith(b"HTTP/1.1 400")
    link.close()


def test_no_answer_waits_for_a_challenger_in_shadow_or_is_lost_with_it(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    model, go_on = "quality-classification", tmp_path / "go on"
    traffic = tmp_path / "traffic.toml"
    traffic.write_text(f'[{model}]\nmode = "shadow"\n', encoding="utf-8")
    server = start_server(
        "tests.support.service.failing_shadow",
        str(go_on),
        WORKERS="1",
        THREADS="1",
        JOURNAL="off",
        TRAFFIC=str(traffic),
    )
    stream, url = open_stream(server, model), f"{server.url}/v1/models/{model}/predict"
    with requests.Session() as session:
        for _ in range(3):
            stream.send(json.dumps(bundles.QUALITY.example))
            assert json.loads(stream.recv())["arm"] == "champion"
            rows = {"rows": [bundles.QUALITY.example]}
            answer = session.post(url, json=rows, headers=KEY, timeout=10)
            assert (answer.status_code, answer.headers["Connection"]) == (200, "keep-alive")
        go_on.touch()
        lost = 'swarmline_shadows_lost_total{reason="failed"} 6.0'
        wait_for(lambda: lost in requests.get(f"{server.url}/metrics", timeout=5).text)
    stream.close()
    assert server.log.read_text(encoding="utf-8").count("a challenger's own mistake") >= 6


def test_a_stream_that_never_pauses_is_told_to_go(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", DRAIN_SECONDS="1", GRACE_SECONDS="6")
    stream = open_stream(server)
    server.process.send_signal(signal.SIGTERM)
    message = "anything"
    while message:
        stream.send(json.dumps(SMALL))
        message = stream.recv()
    stream.shutdown()
    assert server.process.wait(15) == 0
