"""Prometheus' own tools over the rules of stack/monitoring, and cases of alerts as promtool takes them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT

MONITORING = ROOT / "stack/monitoring"
RULES, CONFIGURATION = MONITORING / "rules.yml", MONITORING / "prometheus.yml"
CASES = ROOT / "tests/stack/alerts"
#: What RUNBOOK_URL is in the tests.
RUNBOOK = "https://runbook.test/runbook.md"


def every_rule() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Every alert of the rules: one of a name by severity."""
    return [rule for rule in every_rule() if "alert" in rule]


def cases() -> list[dict[str, Any]]:
    """By alert: in what it fires, and in what it is silent."""
    return [
        case
        for file in sorted(CASES.glob("*.yml"))
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *map(str, words)], capture_output=True, text=True, check=False
    )


def documents(case: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Files for promtool, one a way of firing or being silent. Each evaluates the alert and what is recorded for it, as
    often as its numbers come: all rules over days of numbers would take minutes."""
    units = [_unit(case["alert"], each, each["labels"]["severity"]) for each in case["fires"]]
    units += [_unit(case["alert"], each, "") for each in case["silent"]]
    for number, unit in enumerate(units):
        rules = folder / f"rules-{number}.yml"
        group = {
            "name": "concerned",
            "interval": unit["interval"],
            "rules": concerned(case["alert"]),
        }
        rules.write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")
        file = folder / f"case-{number}.yml"
        document = {
            "rule_files": [str(rules)],
            "evaluation_interval": unit["interval"],
            "tests": [unit],
        }
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        yield file


def concerned(alert: str) -> list[dict[str, Any]]:
    """The alert of a name, after what is recorded for it, and for that: each stands before what uses it."""
    rules = every_rule()
    wanted = [rule for rule in rules if rule.get("alert") == alert]
    words = " ".join(f"{rule['expr']} {rule['annotations']['summary']}" for rule in wanted)
    records: list[dict[str, Any]] = []
    for rule in reversed([rule for rule in rules if "record" in rule]):
        if rule["record"] in words:
            records.insert(0, rule)
            words += rule["expr"]
    return records + wanted


def _unit(alert: str, about: Mapping[str, Any], severity: str) -> dict[str, Any]:
    return {
        "interval": about.get("interval", "1m"),
        "external_labels": {"runbook": RUNBOOK},
        "input_series": [
            {"series": name, "values": values} for name, values in about["series"].items()
        ],
        "alert_rule_test": [
            {
                "eval_time": about["at"],
                "alertname": alert,
                "exp_alerts": [
                    _expected(alert, each)
                    for each in (about, *about.get("besides", ()))
                    if severity
                ],
            }
        ],
    }


def _expected(alert: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "exp_labels": about["labels"],
        "exp_annotations": {
            "summary": about["summary"],
            "runbook_url": f"{RUNBOOK}#{alert.lower()}",
        },
    }
