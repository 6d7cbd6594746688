"""stack/monitoring/rules.yml: every alert fires in a case and is silent in another, by promtool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.prometheus import CONFIGURATION, RULES, alerts, cases, documents, promtool

#: It is always there, so that whoever misses it knows that nobody watches.
NEVER_SILENT = {"Watchdog"}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["alert"])
def test_an_alert_fires_where_it_should_and_is_silent_elsewhere(case, tmp_path: Path) -> None:
    done = promtool("test", "rules", *documents(case, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_cases_both_ways_for_each_of_its_severities() -> None:
    fires = {
        (case["alert"], each["labels"]["severity"]) for case in cases() for each in case["fires"]
    }
    assert fires == {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}
    assert {case["alert"] for case in cases() if not case["silent"]} == NEVER_SILENT


def test_every_alert_has_a_severity_a_summary_and_its_place_in_the_runbook() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket", "info"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == (
            "{{ $externalLabels.runbook }}#" + rule["alert"].lower()
        )


@pytest.mark.parametrize("words", [("rules", RULES), ("config", CONFIGURATION)])
def test_prometheus_takes_its_files(words: tuple[str, Path]) -> None:
    done = promtool("check", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runbook_says_of_every_alert_what_it_means_what_to_do_and_when_to_ignore_it() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8").partition("# Alerts\n")[2]
    parts = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert [name for name, _ in parts] == list(dict(parts))
    assert dict(parts).keys() == {rule["alert"] for rule in alerts()}
    for name, words in parts:
        said = re.findall(r"^- \*\*(\w+)\*\*: \S", words, re.M)
        assert said == ["Means", "Look", "Do", "Ignore"], name
