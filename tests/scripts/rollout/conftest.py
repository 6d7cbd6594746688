"""Nothing is waited for: what comes comes at once."""

from __future__ import annotations

import pytest

from scripts.rollout import wait


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for here comes at once, or never."""
    monkeypatch.setattr(wait, "POLL", 0.01)
