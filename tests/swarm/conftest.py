"""The Swarm that the tests of this folder share: one a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.swarm import cluster
from tests.swarm.cluster import Swarm
from tests.swarm.engine import why_not


@pytest.fixture(name="swarm", scope="session")
def _swarm() -> Iterator[Swarm]:
    """A real Swarm of three nodes."""
    if reason := why_not():
        pytest.skip(f"NO SWARM: {reason}")
    name = f"pytest-{os.getpid()}"
    try:
        yield cluster.up(name, ours=True)
    finally:
        cluster.down(name)
