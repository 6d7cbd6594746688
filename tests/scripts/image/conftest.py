"""A checkout with a bundle, from which an image's context is staged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripts.checkout import checkout


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return checkout(tmp_path / "here")
