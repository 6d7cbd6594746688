from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build called house/deliver/main #7."""
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    for name, value in {
        "JOB_NAME": "house/deliver/main", "BUILD_NUMBER": "7", "BUILD_URL": "http://jenkins/7/",
        "RESULT": "FAILURE",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path
