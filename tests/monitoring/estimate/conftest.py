from __future__ import annotations

import pytest

from tests.support.monitoring.populations import Population, population


@pytest.fixture(scope="session")
def easy() -> Population:
    return population("easy")


@pytest.fixture(scope="session")
def numbers() -> Population:
    return population("numbers")
