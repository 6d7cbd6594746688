"""The container's health check: ready at first, then alive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from service.process import probe
from tests.support.web import answering


@pytest.fixture(name="health")
def _health(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[set[str]]:
    """What is wrong with the service; nothing at first."""
    monkeypatch.setattr(probe, "MARK", str(tmp_path / "mark"))
    wrong: set[str] = set()
    with answering(lambda asked: Response(status=503 if asked.path in wrong else 200)) as url:
        monkeypatch.setenv("BIND", url.removeprefix("http://"))
        yield wrong


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
