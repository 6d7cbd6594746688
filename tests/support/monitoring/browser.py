"""Debian's Chromium, driven by Playwright, and axe-core, which reads a page as assistive technology does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
#: axe-core 4.14.1 as npm has it: MPL-2.0, for tests alone.
AXE = Path(__file__).parents[1] / "axe/axe.min.js"


@contextmanager
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Any) -> list[str]:
    """What axe-core finds on a page: each with its rule, place and remedy."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violated_rules = page.evaluate("axe.run()")["violations"]
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in violated_rules
        for node in rule["nodes"]
    ]
