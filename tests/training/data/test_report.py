"""The validation report: what each reader of it gets to see."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from training.data import report as validation_report
from training.data.report import ValidationReport, Violation

RANGES = Violation("ranges", "light", "error", 7, "is not a number from 0 to 10", ((3, "99.5"),))
CONSTANT = Violation("constants", "leaves", "warning", 300, "is always 1; it tells a model nothing")
CHECKED = (("ranges", "light"), ("nulls", "light"), ("constants", "leaves"), ("rows", ""))


def report(*violations: Violation, rows: int = 300, unusable: int = 0) -> ValidationReport:
    bad = np.arange(rows) < unusable
    return ValidationReport("plants", "plants.csv", "f1n9e7", rows, CHECKED, violations, bad)


def suite(checked: ValidationReport) -> ElementTree.Element:
    element = ElementTree.fromstring(validation_report.junit(checked)).find("testsuite")
    assert element is not None
    return element


def case(checked: ValidationReport, classname: str, name: str) -> ElementTree.Element:
    element = suite(checked).find(
        f"testcase[@classname='validation.plants.{classname}'][@name='{name}']"
    )
    assert element is not None
    return element


def test_clean_data_keep_the_contract_in_words() -> None:
    assert validation_report.text(report()).splitlines() == [
        "plants: the data keeps the contract",
        "  plants.csv: 300 rows, 300 of them usable",
        "  checks: 4 passed",
    ]


def test_the_text_shows_each_violation_with_count_share_and_rows() -> None:
    text = validation_report.text(report(RANGES, unusable=7))
    assert "plants: the data breaks the contract: 1 error\n" in text
    assert "300 rows, 293 of them usable" in text
    assert "ERROR    ranges      light: is not a number from 0 to 10; 7 rows (2.33%)" in text
    assert text.endswith("row 3: 99.5")


def test_warnings_alone_keep_the_contract_and_are_counted() -> None:
    text = validation_report.text(report(CONSTANT))
    assert text.startswith("plants: the data keeps the contract, with 1 warning\n")
    assert "checks: 3 passed, 1 warned" in text


def test_junit_has_a_test_a_check_and_column() -> None:
    names = [(each.get("classname"), each.get("name")) for each in suite(report()).iter("testcase")]
    assert names == [
        ("validation.plants.ranges", "light"),
        ("validation.plants.nulls", "light"),
        ("validation.plants.constants", "leaves"),
        ("validation.plants.rows", "all rows"),
    ]
    assert all(each.get("time") == "0" for each in suite(report()).iter("testcase"))


def test_junit_fails_the_test_of_an_error() -> None:
    failure = case(report(RANGES), "ranges", "light").find("failure")
    assert failure is not None
    assert failure.get("message") == "is not a number from 0 to 10"
    assert "7 rows (2.33%); row 3: 99.5" in (failure.text or "")
    assert case(report(RANGES), "nulls", "light").find("failure") is None


def test_junit_shows_a_warning_without_failing() -> None:
    warned = case(report(CONSTANT), "constants", "leaves")
    assert "WARNING: leaves is always 1" in (warned.findtext("system-out") or "")
    assert warned.find("failure") is None
    assert suite(report(CONSTANT)).get("failures") == "0"


def test_junit_counts_what_it_holds() -> None:
    missing = Violation("columns", "light", "error", 1, "is missing")
    for checked in (report(), report(RANGES, CONSTANT), report(missing, unusable=300)):
        element = suite(checked)
        assert element.get("tests") == str(len(list(element.iter("testcase"))))
        assert element.get("failures") == str(len(list(element.iter("failure"))))
        assert element.get("skipped") == str(len(list(element.iter("skipped"))))
        assert element.get("errors") == "0"


def test_junit_joins_what_one_check_finds_twice_in_a_column() -> None:
    rare = [Violation("balance", "grade", "error", 1, f"class {name} is rare") for name in "AB"]
    failures = list(case(report(*rare), "balance", "grade").iter("failure"))
    assert [each.get("message") for each in failures] == ["class A is rare; class B is rare"]


def test_junit_survives_what_xml_cannot_hold() -> None:
    strange = Violation("ranges", "a\x00<&\"'", "error", 1, "is \x1b bad ]]>", ((0, "\ufffe"),))
    *_, last = suite(report(strange)).iter("testcase")
    assert last.get("name") == "a\ufffd<&\"'"
    assert "is \ufffd bad ]]>" in (last.findtext("failure") or "")


def test_a_missing_column_marks_the_other_checks_as_not_run() -> None:
    checked = report(Violation("columns", "light", "error", 1, "is missing"), unusable=300)
    skipped = case(checked, "nulls", "light").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not run: the source lacks light"
    assert "checks: 1 failed, 4 not run" in validation_report.text(checked)


def test_checks_across_the_split_are_not_said_to_pass_on_too_few_rows() -> None:
    checked = report(RANGES, rows=10, unusable=7)
    statuses = {each.check: each.status for each in validation_report.cases(checked)}
    assert statuses["constants"] == "skipped"
    assert statuses["nulls"] == "passed"


def test_the_json_says_what_passed_and_what_did_not() -> None:
    element = json.loads(json.dumps(validation_report.document(report(RANGES, unusable=7))))
    assert (element["passed"], element["rows"], element["usable_rows"]) == (False, 300, 293)
    assert element["violations"][0]["examples"] == [{"row": 3, "value": "99.5"}]
    assert element["checks"][0] == {"check": "ranges", "column": "light", "status": "error"}
    assert element["checks"][1]["status"] == "passed"


def test_warnings_pass_in_the_json() -> None:
    assert validation_report.document(report(CONSTANT))["passed"] is True


@pytest.mark.parametrize(
    ("violations", "verdict"),
    [
        ((), "The data keeps the contract."),
        ((CONSTANT,), "The data keeps the contract, with 1 warning."),
        ((CONSTANT, RANGES), "The data breaks the contract: 1 error."),
    ],
)
def test_the_page_has_the_verdict_on_top(violations: tuple[Violation, ...], verdict: str) -> None:
    page = validation_report.page(report(*violations))
    assert f"<strong>{verdict}</strong>" in page
    assert page.index(verdict) < page.index("What was found")


def test_the_page_shows_rows_and_every_check() -> None:
    page = validation_report.page(report(RANGES, CONSTANT))
    assert "row 3: <code>99.5</code>" in page
    assert "✗ ranges" in page and "! constants" in page and "✓ nulls" in page


def test_the_page_escapes_what_stands_in_the_data() -> None:
    evil = Violation(
        "categories", "<i>kind", "error", 1, "<b>", ((0, "<script>alert(1)</script>"),)
    )
    page = validation_report.page(report(evil))
    assert "<script" not in page and "<i>kind" not in page and "<b></td>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = validation_report.page(report(RANGES, CONSTANT))
    assert not [word for word in ("http://", "https://", "src=", "@import", "url(") if word in page]


def test_write_leaves_four_files_and_names_them(tmp_path: Path) -> None:
    paths = validation_report.write(report(RANGES), tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "validation.html",
        "validation.json",
        "validation.txt",
        "validation.xml",
    ]
    assert ElementTree.parse(paths["xml"]).getroot().tag == "testsuites"
    assert json.loads(paths["json"].read_text(encoding="utf-8"))["model"] == "plants"
