from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.edge import Edge


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Edge]]:
    """Starts edges with settings of their own, and ends them."""
    started: list[Edge] = []

    def begin(**settings: str) -> Edge:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Edge(folder, **settings))
        return started[-1]

    yield begin
    for edge in started:
        edge.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An edge with two replicas, for tests that leave it as it was."""
    edge = Edge(tmp_path_factory.mktemp("edge"))
    try:
        edge.add(2)
        yield edge
    finally:
        edge.stop()
