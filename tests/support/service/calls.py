"""How the tests of the running service speak to it."""

from __future__ import annotations

import socket
from typing import Any

import requests

from tests.support.service import bundles
from tests.support.service.server import Server

SMALL = bundles.YIELD.example
PREDICT = "/v1/models/yield-prediction/predict"
#: The head of a prediction, without its last fields; and with a key.
POST = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n".encode()
KEYED = POST + b"Authorization: Bearer boss\r\n"
#: A service in which one request at a time has a thread.
NARROW = {"WORKERS": "1", "THREADS": "1", "STREAMS": "0", "JOURNAL": "off"}
KEY = {"Authorization": "Bearer boss"}


def predict(
    server: Server, session: Any = requests, timeout: float = 20, **headers: str
) -> requests.Response:
    sent = KEY | {name.replace("_", "-"): value for name, value in headers.items()}
    answer: requests.Response = session.post(
        server.url + PREDICT, json={"rows": [SMALL]}, headers=sent, timeout=timeout
    )
    return answer


def raw(server: Server, *parts: bytes) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    for part in parts:
        link.sendall(part)
    return link


def answers(link: socket.socket, count: int) -> bytes:
    """What comes until so many answers are there, or the connection is closed."""
    got = b""
    while got.count(b'"predictions"') < count and (chunk := link.recv(65536)):
        got += chunk
    return got
