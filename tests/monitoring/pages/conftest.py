from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.monitoring import site as support
from tests.support.monitoring.board import MOVED
from tests.support.monitoring.browser import chromium
from tests.support.monitoring.site import Site
from tests.support.web import serving_app

#: What Chromium says of a page that is not there, and of a request that a test kept from leaving.
EXPECTED = re.compile("status of 404|ERR_FAILED")
PATHS = {
    "overview": "/",
    "model": f"/models/{MOVED}",
    "alarms": "/alarms",
    "releases": "/releases",
    "trace": "/trace?id=request-0",
    "runbook": "/runbook",
    "fault": "/no/such",
}


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
    with serving_app(app) as url:
        yield Site(url, store, now)


# Not of the session: Playwright's loop would be running in whatever this process tests afterwards.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    yield from opened(browser, site)


def opened(browser: Any, site: Site, **options: Any) -> Iterator[Any]:
    """A page that sends nothing elsewhere and says nothing on its console."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    tab, wrong = context.new_page(), []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on(
        "console",
        lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None,
    )
    tab.on(
        "request",
        lambda sent: (
            wrong.append(sent.url) if not sent.url.startswith((site.url, "data:")) else None
        ),
    )
    yield tab
    context.close()
    assert [line for line in wrong if not EXPECTED.search(line)] == []
