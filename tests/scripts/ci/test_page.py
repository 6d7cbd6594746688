"""The page of a build, its name and its description: the cause of a red one stands first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripts.build_reports import TRAINING, mail, put


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("reject", "rejected by ann: too slow"),
        ("none", "nobody agreed to the release: the approval was aborted, or its time was up"),
        ("", "it was ended by a person, or its time was up"),
    ],
)
def test_who_ended_it_and_why_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, verdict: str, words: str
) -> None:
    for name, value in {
        "RESULT": "ABORTED",
        "VERDICT": verdict,
        "BY": "ann",
        "WHY": "too slow",
    }.items():
        monkeypatch.setenv(name, value)
    assert f"Why:\n{words}\n" in mail(place)
    assert (place / "report/description.txt").read_text() == f"Aborted: {words}"
    assert f"<li>{words}</li>" in (place / "reports/index.html").read_text(encoding="utf-8")


def test_a_rejected_version_is_told_as_such(place: Path) -> None:
    put(place, "reports/yield/training.json", TRAINING | {"rejected": "today by ann: too slow"})
    assert "yield: version 3, trained, rejected today by ann: too slow\n" in mail(place)
    page = (place / "reports/index.html").read_text(encoding="utf-8")
    assert "version 3, trained (linear), rejected today by ann: too slow<" in page


def test_the_name_says_the_release_and_the_description_the_versions(place: Path) -> None:
    put(place, "release/release.json", {"release": "r-2"})
    put(place, "reports/yield/training.json", TRAINING)
    mail(place)
    assert (place / "report/name.txt").read_text() == "#7 r-2"
    assert (place / "report/description.txt").read_text() == (
        "FAILED: gate of yield: r2 >= 0.95: value 0.91, bound 0.95. yield 3"
    )


def test_a_red_page_begins_with_the_rule_that_failed(place: Path) -> None:
    passed = {"rule": "mae <= 3", "value": 1.0, "bound": 3.0, "passed": True}
    training = TRAINING | {"gates": [passed, *TRAINING["gates"]]}
    put(place, "reports/yield/training.json", training)
    put(place, "log/failed", "2 gate\n")
    put(place, "log/gate.log", "  pass  mae <= 3\nmake: *** [gate] Error 3\n")
    assert mail(place).splitlines()[3] == "gate of yield: r2 >= 0.95: value 0.91, bound 0.95"
    page = (place / "reports/index.html").read_text(encoding="utf-8")
    cause, table = page.index("<li>gate of yield: r2 &gt;= 0.95"), page.index("<table>")
    assert cause < table < page.index("r2 &gt;= 0.95: FAIL") < page.index("mae &lt;= 3: pass")


def test_a_red_page_begins_with_the_test_that_failed(place: Path) -> None:
    case = '<testcase classname="tests.x" name="test_y"><failure message="1 != 2"/></testcase>'
    put(place, "reports/tests.xml", f"<testsuites><testsuite>{case * 2}</testsuite></testsuites>")
    mail(place)
    words = (place / "report/description.txt").read_text()
    assert words == "FAILED: tests.x test_y: 1 != 2 (and 1 more)"


def test_a_red_page_begins_with_the_replica_that_failed(place: Path) -> None:
    put(place, "log/failed", "2 deploy\n")
    reason = "replica 2 runs and does not get ready for requests"
    put(place, "release/deploy.json", {"code": 2, "reason": reason, "serves": "r-1"})
    mail(place)
    assert (place / "report/description.txt").read_text() == f"FAILED: deploy: {reason}"


def test_a_target_that_failed_is_told_with_its_last_word(place: Path) -> None:
    put(place, "log/failed", "2 audit\n")
    put(place, "log/audit.log", "looking\nnothing could be audited\nmake: *** [audit] Error 1\n")
    mail(place)
    words = (place / "report/description.txt").read_text()
    assert words == "FAILED: `make audit` failed: nothing could be audited"
