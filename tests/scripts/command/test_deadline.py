"""What is waited for, or tried again, until the time is over; how that ends is a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts.command.deadline import Deadline
from scripts.command.outcome import Late, Refused


def failing(*words: str) -> Callable[[], str]:
    """Fails with each of these words, then does not."""
    left = iter(words)

    def act() -> str:
        for word in left:
            raise Refused(word)
        return "done"

    return act


def test_what_comes_in_time_is_returned():
    answers = iter(["", "", "here"])
    assert Deadline(60).wait_for(lambda: next(answers), lambda: "?", step=0) == "here"


def test_what_does_not_come_is_said_by_the_kind_of_error_that_is_asked_for():
    with pytest.raises(Late, match="2 of 3 run"):
        Deadline(0).wait_for(lambda: False, lambda: "2 of 3 run")
    with pytest.raises(Refused, match="no answer"):
        Deadline(0).wait_for(lambda: False, lambda: "no answer", error=Refused)


def test_what_fails_is_tried_again_and_that_is_said(capsys: pytest.CaptureFixture[str]):
    act = failing("busy", "busy")
    assert Deadline(60).retry(act, Refused, 0, announcement="once more") == "done"
    assert capsys.readouterr().err == "once more: busy\n" * 2


def test_another_failure_than_the_one_that_passes_is_not_tried_again():
    with pytest.raises(Refused, match="broken"):
        Deadline(60).retry(failing("in use", "broken"), Refused, 0, words="in use")


def test_the_last_failure_counts_when_the_time_is_over():
    with pytest.raises(Refused, match="busy"):
        Deadline(0).retry(failing("busy"), Refused, 0)
