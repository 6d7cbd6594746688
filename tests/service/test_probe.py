"""The container's health check, against a real service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.probe import address
from tests.service.conftest import Server, free_port, wait_for

PROBE = Path(__file__).parents[2] / "service/probe.py"


def probe(bind: str, *arguments: str) -> tuple[int, str]:
    """As the image runs it: alone, without what Python would read at its start."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROBE), *arguments],
        env={**os.environ, "BIND": bind},
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("bind", "place"),
    [
        ("0.0.0.0:8080", ("127.0.0.1", 8080)),
        ("[::]:8080", ("::1", 8080)),
        ("[::1]:80", ("::1", 80)),
        ("10.0.0.1:80", ("10.0.0.1", 80)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_a_service_is_asked_where_it_listens(bind: str, place: tuple[str, int]):
    assert address(bind) == place


@pytest.mark.slow
def test_a_service_that_answers_is_alive(start_server: Callable[..., Server]):
    server = start_server()
    assert probe(f"127.0.0.1:{server.port}") == (0, f"127.0.0.1:{server.port}/health/live: 200\n")


@pytest.mark.slow
def test_a_service_that_drains_is_alive_and_not_ready(start_server: Callable[..., Server]):
    server = start_server(DRAIN_SECONDS="20")
    bind = f"127.0.0.1:{server.port}"
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: probe(bind, "/health/ready")[0] == 1)
    assert probe(bind)[0] == 0


def test_nothing_that_listens_is_not_alive():
    code, words = probe(f"127.0.0.1:{free_port()}")
    assert code == 1
    assert "refused" in words


def test_a_service_that_hangs_is_not_alive():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        code, words = probe(f"127.0.0.1:{deaf.getsockname()[1]}")
    assert code == 1
    assert "timed out" in words
