"""Who is told about a build, and what is offered for approval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.ci import notify
from tests.support.receivers import Chat
from tests.support.scripts.build_reports import TRAINING, mail, put
from tests.support.scripts.checkout import checkout, git
from tests.support.web import serving


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


def test_the_mail_says_why_staging_was_red_and_what_serves(place: Path) -> None:
    put(place, "release/staging.json", {"code": 1, "red": True, "reason": "golden row 0 is wrong"})
    words = mail(place)
    assert "Why:\nstaging: golden row 0 is wrong" in words
    assert "nothing was deployed; the release that served before still serves" in words


@pytest.fixture(name="hook")
def _hook() -> Iterator[Chat]:
    with serving(Chat()) as chat:
        yield chat


def test_the_message_is_posted(place: Path, hook: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place, "log/failed", "1 gate\n")
    put(place, "log/gate.log", "r2 is too low\n")
    monkeypatch.setenv("WEBHOOK_URL", hook.url)
    assert notify.main([]) == 0
    (text,) = [message["text"] for message in hook.messages]
    assert text.startswith("FAILED: house/deliver/main #7") and "r2 is too low" in text


@pytest.mark.parametrize("path", ["bad", "gone"])
def test_a_webhook_that_fails_is_said_without_its_address_and_fails_no_build(
    place: Path,
    hook: Chat,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    path: str,
) -> None:
    hook.status, port = 500, hook.server_port if path == "bad" else 1
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
