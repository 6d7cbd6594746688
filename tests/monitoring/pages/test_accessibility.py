"""The pages in a browser, for all people: by keyboard, on a phone, in the dark, read aloud, without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.monitoring.pages.conftest import PATHS, opened
from tests.support.machine import wait_until
from tests.support.monitoring.board import MOVED, WINDOWS
from tests.support.monitoring.browser import violations
from tests.support.monitoring.site import Site

pytestmark = pytest.mark.slow
UNFOLD = "document.querySelectorAll('details').forEach(part => { part.open = true; })"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Any, site: Site, scheme: str):
    for page in opened(browser, site, color_scheme=scheme):
        for name, path in PATHS.items():
            page.goto(site.at(path))
            page.evaluate(UNFOLD)
            assert violations(page) == [], name


def test_no_page_scrolls_sideways_on_a_phone(browser: Any, site: Site):
    for page in opened(browser, site, viewport={"width": 360, "height": 740}, has_touch=True):
        for name, path in PATHS.items():
            page.goto(site.at(path))
            page.evaluate(UNFOLD)
            assert page.evaluate("document.documentElement.scrollWidth") == 360, name


def test_a_chart_is_read_with_the_keyboard(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    chart = page.get_by_role("application").first
    chart.focus()
    live, readout = (
        page.locator(f"figure.chart {part}").first for part in ("[aria-live]", ".readout")
    )
    newest = readout.inner_text()
    page.keyboard.press("Home")
    wait_until(
        lambda: page.evaluate(
            "document.querySelector('figure.chart [aria-live]').textContent !== ''"
        ),
        "it is so",
    )
    assert live.text_content() == readout.inner_text() != newest
    page.keyboard.press("ArrowRight")
    second = site.store.windows(MOVED, limit=100)[-2]
    assert readout.inner_text().startswith(f"{second.start:%Y-%m-%d %H:%M} UTC")
    page.keyboard.press("+")
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    assert readout.inner_text() == newest and "does not count" in newest


def test_the_keyboard_goes_first_to_the_contents_and_stops_only_at_what_scrolls(
    page: Any, site: Site
):
    page.goto(site.at("/"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the contents"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    wait_until(lambda: page.evaluate("!document.querySelector('.scroll[tabindex]')"), "it is so")


def test_without_scripts_the_tables_say_everything(browser: Any, site: Site):
    for page in opened(browser, site, java_script_enabled=False):
        page.goto(site.at(f"/models/{MOVED}"))
        figure = page.locator("figure.chart").first
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() == WINDOWS
        assert figure.locator("tbody tr").first.locator("s").count() == 1
