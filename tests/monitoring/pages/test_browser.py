"""The pages in a browser: they show what is in the database, and no name in it can break them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitoring.findings.values import Finding
from monitoring.pages.words import metric_title, number, percent
from tests.monitoring.pages.conftest import PATHS
from tests.support.machine import wait_until
from tests.support.monitoring.board import HOSTILE, HOSTILE_ATTRIBUTE, MOVED, QUIET, WINDOWS
from tests.support.monitoring.site import TRACE, Site

pytestmark = pytest.mark.slow


def cells(page: Any, table: str) -> dict[str, list[str]]:
    """By the head of each row, its cells; `table` is the name of the group it stands in."""
    rows = page.get_by_role("group", name=table, exact=True).locator("> table > tbody > tr")
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    return {row[0]: row[1:] for row in rows.evaluate_all(script)}


def findings(site: Site, model: str = MOVED) -> list[Finding]:
    newest = site.store.windows(model, limit=1)[0]
    return site.store.findings(model, newest.version, newest.arm, newest.start)


def test_the_overview_shows_each_model_as_the_database_has_it(page: Any, site: Site):
    page.goto(site.at("/"))
    lines = cells(page, "Models")
    assert [name.partition("\n")[0] for name in lines] == [MOVED, QUIET]
    for line, model, metric in zip(lines.values(), (MOVED, QUIET), ("f1", "r2"), strict=True):
        shown = {(finding.kind, finding.column): finding for finding in findings(site, model)}
        for cell, kind in ((line[0], "quality"), (line[1], "estimate")):
            side = shown[kind, metric]
            assert cell.startswith(metric_title(metric))
            assert (
                f"{number(side.value)}" in cell
                and f"{number(side.low)} to {number(side.high)}" in cell
            )
            assert f"{side.rows:,} rows" in cell and f"bound {number(side.bound)}" in cell
        judged = [
            finding
            for finding in shown.values()
            if finding.kind in ("drift", "prediction") and finding.verdict != "unknown"
        ]
        raised = [finding for finding in judged if finding.verdict == "raised"]
        assert line[2].startswith(f"{len(raised)} of {len(judged)} columns and outputs raised")
    assert "3 alarms" in list(lines)[0] and "no alarm" in list(lines)[1]
    assert "does not count" in lines[list(lines)[0]][1]


def test_the_overview_says_what_is_down_and_which_alarms_stand(page: Any, site: Site):
    page.goto(site.at("/"))
    assert "mlflow is down" in page.locator(".banner").first.inner_text()
    lines = cells(page, "Standing alarms")
    assert len(lines) == len(site.store.alarms(standing=True)) == 3
    assert any(
        "Quality: accuracy" in head and "below its bound" in row[1] for head, row in lines.items()
    )
    page.get_by_role("link", name=re.compile("Runbook.*Quality")).click()
    assert page.url.endswith("/runbook#qualitybelowgate")


def test_an_alarm_says_whether_a_retraining_was_started_and_why_not(page: Any, site: Site):
    page.goto(site.at("/alarms"))
    standing = {head: " ".join(row) for head, row in cells(page, "Standing alarms").items()}
    told = {
        kind: [row for head, row in standing.items() if kind in head]
        for kind in ("Drift", "Quality")
    }
    assert (
        "Retraining was started at" in told["Drift"][0]
        and "because of InputDrift" in told["Drift"][0]
    )
    assert "Retraining waits for Jenkins: the retrain job cannot be reached" in told["Quality"][0]
    rows = page.get_by_role("group", name="Retrainings", exact=True).locator("tbody tr")
    assert rows.count() == 3
    assert "No retraining: retraining was started at" in rows.nth(1).inner_text()
    assert f"queue/item/7/{HOSTILE}" in rows.nth(2).inner_text()


def test_drift_is_shown_column_by_column_as_the_database_has_it(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    lines = cells(page, "Drift by column")
    drifts = [finding for finding in findings(site) if finding.kind == "drift"]
    assert sorted(lines) == sorted(finding.column for finding in drifts)
    for finding in drifts:
        verdict, effect, floor, visible, rows = lines[finding.column][:5]
        assert finding.verdict in verdict and effect.startswith(number(finding.value, 2))
        assert (floor, visible, rows) == (
            number(finding.bound, 2),
            number(finding.visible, 2),
            number(finding.rows),
        )
    assert list(lines)[0] == "humidity" and "alarm since" in lines["humidity"][0]
    assert lines["temperature"][7].startswith("▲ raised")


def test_the_figures_behind_a_histogram_are_those_of_the_database(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="crop", exact=True))
    row.locator("summary").first.click()
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    crop = next(finding for finding in findings(site) if finding.column == "crop")
    levels = crop.details["levels"]
    assert row.locator("details tbody tr").evaluate_all(script) == [
        [name, percent(before), percent(now)]
        for name, before, now in zip(
            levels["names"], levels["reference"], levels["window"], strict=True
        )
    ]


def test_curves_and_their_tables_are_the_series_of_the_database(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    figure = page.get_by_role("figure", name="accuracy")
    data = json.loads(figure.locator("script").text_content())
    series = [
        (record, finding)
        for record, finding in site.store.series(MOVED, ("quality", "estimate"))
        if finding.column == "accuracy"
    ]
    for kind, drawn in zip(("quality", "estimate"), data["series"], strict=True):
        side = [finding for _, finding in series if finding.kind == kind]
        assert drawn["value"] == [finding.value for finding in side] and drawn["low"] == [
            finding.low for finding in side
        ]
    assert data["x"] == sorted({record.start.timestamp() for record, _ in series})
    assert data["bound"] == 0.8 and sum(data["series"][1]["struck"]) == 5
    assert [mark["text"] for mark in data["marks"]] == ["version 5, release 2026.11.5-4eeeffc"]
    figure.locator("summary").click()
    assert figure.locator("tbody tr:visible").count() == 12
    figure.get_by_role("button", name="Older").click()
    assert (
        figure.locator("tbody tr").count() == WINDOWS and figure.get_by_text("2 of 4").is_visible()
    )


def test_an_experiment_is_shown_as_it_was_judged(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    panel = page.get_by_role("region", name="Experiment", exact=True)
    text = panel.locator("p").first.inner_text()
    assert "undecided" in text and "Challenger 6 against champion 5, in shadow" in text
    quality = cells(page, "Comparison of the arms")["Quality accuracy"]
    assert quality[1].startswith("0.874") and quality[2].startswith("0.861")
    assert "-0.0310 to 0.0570" in quality[3] and "41,300 more rows" in quality[4]
    assert cells(page, "Where the shadow differs") == {HOSTILE: ["31", "3.1%", "11", "20"]}
    page.goto(site.at(f"/models/{QUIET}"))
    assert page.get_by_role("region", name="Experiment", exact=True).count() == 0


def test_an_older_window_can_be_asked_for(page: Any, site: Site):
    page.goto(site.at(f"/models/{MOVED}"))
    oldest = site.store.windows(MOVED, limit=100)[-1]
    links = page.get_by_role("group", name="Windows", exact=True, include_hidden=True).locator("a")
    page.goto(links.last.evaluate("link => link.href"))
    assert page.locator("main > p").first.inner_text().startswith("Window ")
    assert cells(page, "Drift by column")["humidity"][1].startswith(number(0.04, 2))
    chosen = page.locator("nav.choices a[aria-current]").inner_text()
    assert chosen == f"version {oldest.version}, champion"


def test_a_trace_shows_what_was_asked_what_came_and_what_was_true(page: Any, site: Site):
    page.goto(site.at("/trace"))
    page.get_by_role("textbox").fill(TRACE)
    page.get_by_role("button", name="Find").click()
    panel = page.locator("section.panel").inner_text()
    for text in (
        "01j00000-0",
        "B probability 0.700",
        "request-0",
        TRACE,
        "run-5",
        HOSTILE,
        "1.25 ms",
    ):
        assert text in panel
    assert page.locator("section.panel s").inner_text() == "C"
    page.get_by_text("What was asked").click()
    assert page.get_by_role("row", name="crop").is_visible()


@pytest.mark.parametrize(
    "path", [*PATHS.values(), f"/trace?id={HOSTILE}", f"/alarms?model={HOSTILE}"]
)
def test_hostile_names_are_shown_as_text(page: Any, site: Site, path: str):
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(site.at(path))
    assert page.locator("img").count() == 0 and dialogs == []
    assert "broken" not in page.title()
    scripts = page.locator("script").evaluate_all("all => all.map(one => one.src || one.type)")
    assert all("/monitor/static/" in source or source == "application/json" for source in scripts)
    if path == PATHS["model"]:
        assert page.get_by_role("rowheader", name=HOSTILE_ATTRIBUTE, exact=True).is_visible()
        assert page.get_by_role("rowheader", name=f"crop={HOSTILE}", exact=True).count() == 2


def test_an_open_overview_renews_itself_and_says_when_nobody_answers(page: Any, site: Site):
    page.clock.install()
    page.goto(site.at("/"))
    shown = page.locator("footer time").get_attribute("datetime")
    page.clock.fast_forward(20_000)
    wait_until(
        lambda: page.evaluate(f"document.querySelector('footer time').dateTime !== '{shown}'"),
        "it is so",
    )
    page.route("**/monitor/", lambda route: route.abort())
    page.clock.fast_forward(20_000)
    page.get_by_text("The monitor does not answer").wait_for()
