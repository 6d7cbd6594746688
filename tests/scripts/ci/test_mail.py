"""The mail about a build: why it failed, what serves, how the models stand beside their champions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scripts.build_reports import TRAINING, mail, put


def test_the_goal_that_failed_is_quoted_and_not_those_it_took_along(place: Path) -> None:
    put(place, "log/failed", "143 check-types\n1 deploy\n")
    put(place, "log/deploy.log", "a\n" * 50 + "the registry does not answer\n")
    text = mail(place)
    assert text.startswith("FAILED: house/deliver/main #7\n")
    assert "`make deploy` failed; its last words:" in text
    assert "    the registry does not answer\n" in text and text.count("    a\n") == 29
    assert "check-types" not in text


def test_a_failed_test_is_named(place: Path) -> None:
    case = '<testcase classname="tests.x" name="test_y"><failure message="1 != 2&#10;more"/></testcase>'
    put(place, "reports/tests.xml", f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    assert "tests.x test_y: 1 != 2\n" in mail(place)


def test_models_stand_beside_their_champions_with_the_rules_that_failed(place: Path) -> None:
    put(place, "reports/yield/training.json", TRAINING)
    text = mail(place)
    assert "r2 0.91 (champion 0.9, +0.01)" in text
    assert "FAIL r2 >= 0.95: value 0.91, bound 0.95" in text
    page = (place / "reports/index.html").read_text(encoding="utf-8")
    assert '<a href="yield/training.json">' in page and "FAIL" in page


@pytest.mark.parametrize("result", ["FAILURE", "ABORTED"])
def test_where_nothing_was_deployed_it_says_that_the_old_release_serves(
    place: Path, monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    monkeypatch.setenv("RESULT", result)
    assert "the release that served before still serves" in mail(place)


def test_a_deploy_that_was_rolled_back_says_why_and_what_serves(place: Path) -> None:
    put(place, "release/release.json", {"release": "r-2"})
    outcome = {"code": 2, "reason": "5 % of requests failed", "serves": "r-1"}
    put(place, "release/deploy.json", outcome)
    assert "release r-1 still serves; the new release does not: 5 % of req" in mail(place)


def test_of_a_deploy_whose_end_the_build_did_not_see_it_says_that(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESULT", "ABORTED")
    put(place, "release/deploy.json", {"code": None, "reason": "a deploy was begun"})
    text = mail(place)
    assert "Serving: not known to this build: a deploy was begun" in text
    assert "nothing was deployed" not in text


def test_an_aborted_build_whose_release_was_in_already_says_that_it_serves(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESULT", "ABORTED")
    put(place, "release/deploy.json", {"code": 0, "record": {"release": "r-2"}})
    assert "Serving: release r-2." in mail(place)


def test_where_nothing_serves_after_a_failed_deploy_it_does_not_say_otherwise(place: Path) -> None:
    reason = "no replica came up; there is no earlier release to go back to, so nothing serves"
    put(place, "release/deploy.json", {"code": 2, "reason": reason})
    assert "still serves" not in mail(place) and reason in mail(place)


def test_where_nothing_changed_it_says_what_serves_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESULT", "SUCCESS")
    monkeypatch.setenv("PLAN", "nothing")
    put(place, "release/release.json", {"release": "r-2"})
    assert "Serving: release r-2, as before; nothing had changed." in mail(place)


def test_a_rollback_is_called_by_the_release_that_it_brought_back(place: Path) -> None:
    put(place, "release/deploy.json", {"code": 0, "record": {"release": "r-1"}})
    assert "Serving: release r-1." in mail(place)
    assert (place / "report/name.txt").read_text() == "#7 r-1"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("traffic", "the traffic is shared as before: no challenger"),
        ("rollback", "nothing was gone back to: no challenger"),
    ],
)
def test_what_was_no_release_is_not_told_as_one(place: Path, kind: str, words: str) -> None:
    put(place, "log/failed", f"2 {kind}\n")
    put(place, "release/deploy.json", {"code": 1, "reason": "no challenger"})
    text = mail(place)
    assert words in text and "the new release" not in text


def test_a_quoted_log_is_no_template(place: Path) -> None:
    put(place, "log/failed", "1 image\n")
    put(place, "log/image.log", "${BUILD_LOG} costs $5 in $HOME\n")
    assert "$ {BUILD_LOG} costs $5 in $ HOME" in mail(place)
