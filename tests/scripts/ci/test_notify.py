"""What people are told about a build: why it failed, what serves, how the models stand beside their champions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.ci import notify
from tests.support.scripts.checkout import checkout, git

TRAINING = {
    "model": "yield",
    "version": "3",
    "status": "trained",
    "candidate": "linear",
    "metrics": {"r2": 0.91},
    "champion": {"r2": 0.9},
    "gates": [{"rule": "r2 >= 0.95", "value": 0.91, "bound": 0.95, "passed": False}],
}


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build called house/deliver/main #7."""
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    for name, value in {
        "JOB_NAME": "house/deliver/main", "BUILD_NUMBER": "7", "BUILD_URL": "http://jenkins/7/",
        "RESULT": "FAILURE",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def put(place: Path, name: str, content: Any) -> None:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def mail(place: Path) -> str:
    assert notify.main([]) == 0
    return (place / "report/mail.txt").read_text(encoding="utf-8")


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


def test_who_is_asked_sees_each_model_beside_its_champion(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(place, models=["yield: version 3 instead of 2 (gates 5 of 5 passed)"], held="3")
    assert notify.main_offer([]) == 0
    assert capsys.readouterr().out == (
        "r-2 instead of r-1: yield: version 3 instead of 2 (gates 5 of 5 passed)."
        " Code: abc1234 Quicker (Ann). yield 3: r2 0.91, champion 0.9\n"
    )


def changed(place: Path, models: list[str], held: str) -> None:
    """A planned release; its image holds the version `held`, while version 3 was trained."""
    arms = {"yield": {"champion": {"version": held}}}
    put(place, "release/release.json", {"release": "r-2", "models": arms})
    changes = {
        "release": "r-2",
        "serves": "r-1",
        "models": models,
        "code": ["abc1234 Quicker (Ann)"],
    }
    put(place, "release/changes.json", changes)
    put(place, "reports/yield/training.json", TRAINING)


def test_what_is_offered_is_what_the_image_holds_and_not_what_was_trained_and_rejected(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(place, models=[], held="1")
    assert notify.main_offer([]) == 0
    assert capsys.readouterr().out == (
        "r-2 instead of r-1: the models that serve. Code: abc1234 Quicker (Ann)\n"
    )
    monkeypatch.setenv("RESULT", "SUCCESS")
    assert "Release r-2 against r-1:\n  abc1234 Quicker (Ann)\n" in mail(place)
    assert (place / "report/description.txt").read_text() == ""


def test_what_somebody_took_away_is_offered_as_such_and_not_told_as_deployed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(place, models=[], held="1")
    words = "ann rejected it at 2026-01-01 00:00 UTC (too slow)"
    outcome = {"code": 0, "plan": "withdrawn", "withdrawn": words, "serves": "r-1"}
    put(place, "release/deploy.json", outcome)
    assert notify.main_offer([]) == 0
    assert capsys.readouterr().out.startswith(f"AGAIN, although {words}: r-2 instead of r-1")
    monkeypatch.setenv("RESULT", "SUCCESS")
    assert f"Serving: release r-1. What was built is not deployed: {words}" in mail(place)
    assert (place / "report/description.txt").read_text() == f"not deployed: {words}"


@pytest.mark.parametrize("result", ["FAILURE", "ABORTED"])
def test_where_nothing_was_deployed_it_says_that_the_old_release_serves(
    place: Path, monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    monkeypatch.setenv("RESULT", result)
    assert "the release that served before still serves" in mail(place)


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


class Hook(HTTPServer):
    said: bytes = b""


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # pylint: disable=invalid-name
        assert isinstance(self.server, Hook)
        self.server.said = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path == "/good" else 500)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(name="hook")
def _hook() -> Iterator[Hook]:
    with Hook(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_message_is_posted(place: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place, "log/failed", "1 gate\n")
    put(place, "log/gate.log", "r2 is too low\n")
    monkeypatch.setenv("WEBHOOK_URL", f"http://127.0.0.1:{hook.server_port}/good")
    assert notify.main([]) == 0
    text = json.loads(hook.said)["text"]
    assert text.startswith("FAILED: house/deliver/main #7") and "r2 is too low" in text


@pytest.mark.parametrize("path", ["bad", "gone"])
def test_a_webhook_that_fails_is_said_without_its_address_and_fails_no_build(
    place: Path,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    path: str,
) -> None:
    port = hook.server_port if path == "bad" else 1
    monkeypatch.setenv("WEBHOOK_URL", f"http://127.0.0.1:{port}/token-123")
    assert notify.main([]) == 0
    said = capfd.readouterr().err
    assert "swarmline: the webhook " in said and "token-123" not in said


def test_committers_are_mailed_whether_or_not_jenkins_knows_them(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(place)
    author = "Ann <ann@example.org>"
    git(root, "commit", "--quiet", "--allow-empty", "--author", author, "--message", "a change")
    monkeypatch.chdir(root)
    monkeypatch.setenv("SCOPE", "release")
    mail(place)
    words = (place / "report/recipients.txt").read_text()
    assert words == "$DEFAULT_RECIPIENTS, ann@example.org"


def test_a_job_that_builds_no_commit_mails_no_committer(place: Path) -> None:
    mail(place)
    assert (place / "report/recipients.txt").read_text() == "$DEFAULT_RECIPIENTS"
