"""What the tests of the pipelines share: all builds, run once."""

from __future__ import annotations

import pytest

from tests.support.jenkins.builds import Runs, run_all


@pytest.fixture(name="runs", scope="session")
def _runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return run_all(tmp_path_factory.mktemp("builds"))
