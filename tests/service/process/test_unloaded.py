"""What a service does without, whatever is installed beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.process.unloaded import PACKAGES
from tests.support.service.server import Server


@pytest.mark.slow
def test_a_service_with_a_scikit_learn_pipeline_loads_neither_pandas_nor_pyarrow(
    start_server: Callable[..., Server],
) -> None:
    libraries = Path(f"/proc/{start_server().process.pid}/maps").read_text(encoding="utf-8")
    assert "/sklearn/" in libraries
    assert not [name for name in PACKAGES if f"/{name}/" in libraries]
