"""The container's health check: ready at first, then alive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from service.process import probe


class Health(BaseHTTPRequestHandler):
    """Answers as the service does, alive and ready or not."""

    wrong: set[str] = set()

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.send_response(503 if self.path in self.wrong else 200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:  # pylint: disable=arguments-differ
        """Nobody reads it."""


@pytest.fixture(name="health")
def _health(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[set[str]]:
    """What is wrong with the service; nothing at first."""
    monkeypatch.setattr(probe, "MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(Health, "wrong", set())
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        monkeypatch.setenv("BIND", f"127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Health.wrong
        server.shutdown()


def test_a_service_that_is_alive_and_never_ready_is_not_well(health: set[str]) -> None:
    health.add("/health/ready")
    assert probe.main([]) == probe.main([]) == 1


def test_a_service_that_was_ready_and_drains_is_well(health: set[str]) -> None:
    assert probe.main([]) == 0
    health.add("/health/ready")
    assert probe.main([]) == 0


def test_a_service_that_was_ready_and_is_dead_is_not_well(health: set[str]) -> None:
    assert probe.main([]) == 0
    health.add("/health/live")
    assert probe.main([]) == 1


def test_a_path_that_is_named_is_asked_and_leaves_no_mark(health: set[str]) -> None:
    assert probe.main(["/health/live"]) == 0
    health.add("/health/ready")
    assert probe.main([]) == 1
