from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.monitoring import site as support
from tests.support.monitoring.browser import chromium
from tests.support.monitoring.site import Site


@pytest.fixture(scope="session")
def filled() -> Iterator[tuple[Path, Any, dt.datetime]]:
    """A folder with bundles, journal and findings, which no test changes."""
    now = dt.datetime.now(dt.UTC)
    with tempfile.TemporaryDirectory(prefix="pages-") as name:
        store = support.filled(Path(name), now)
        yield Path(name), store, now
        store.close()


@pytest.fixture(scope="session")
def site(filled: tuple[Path, Any, dt.datetime]) -> Iterator[Site]:
    """Without keys, on loopback: as with `make run`."""
    folder, store, now = filled
    app = support.application(support.sources(folder, store))
    with support.serving(app) as url:
        yield Site(url, store, now)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started
