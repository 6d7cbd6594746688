from __future__ import annotations

import pytest


@pytest.fixture(name="is_process")
def _is_process() -> bool:
    """These tests are about the docker command as a process: its streams, its time, its environment."""
    return True
