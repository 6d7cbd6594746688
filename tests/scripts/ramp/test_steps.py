"""Steps of a ramp: which there are, how many requests each needs, and what one still lacks."""

from __future__ import annotations

import datetime as dt

import pytest

from scripts.command.outcome import Refused
from scripts.ramp.climb import lacking
from scripts.ramp.monitor import Experiment
from scripts.ramp.plan import requests_needed, steps_from, steps_of

AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(seconds=1)


def experiment(**facts: object) -> Experiment:
    usual: dict[str, object] = {
        "champion": "1",
        "challenger": "2",
        "judged_at": LATER,
        "stop": False,
        "verdict": "undecided",
        "reason": "",
        "share": 5.000000000000001,
        "requests": 90,
        "more_rows": None,
        "is_ended": False,
    }
    return Experiment(**(usual | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "0,5", "25,5", "5,5", "5,100", "101", "5;25", "5, 25", "-1"])
def test_steps_that_are_none_are_refused(text: str):
    with pytest.raises(Refused, match="allowed are rising numbers above 0 and below 100"):
        steps_of(text)


def test_a_ramp_goes_on_from_the_share_that_it_finds():
    steps = steps_of("5,25,50")
    assert steps_from(steps, 0) == (5, 25, 50)
    assert steps_from(steps, 25) == (25, 50)
    assert steps_from(steps, 10) == (10, 25, 50)
    assert steps_from(steps, 60) == (60,)


def test_a_step_needs_the_requests_after_which_one_that_fails_is_stopped():
    assert [requests_needed(share) for share in (1, 5, 25, 50, 80)] == [43, 43, 64, 90, 90]


@pytest.mark.parametrize(
    ("facts", "more", "words"),
    [
        ({}, 0, ""),
        ({"judged_at": AT}, 0, "no look of the monitor since the step"),
        ({"share": None}, 0, "replicas say different shares"),
        ({"share": 0.0}, 0, "replicas still have 0 %"),
        ({}, 12, "the challenger has to answer 12 more requests"),
        ({"is_ended": True}, 0, "the monitor has ended this experiment"),
    ],
)
def test_a_step_is_over_once_it_lacks_nothing(facts: dict[str, object], more: int, words: str):
    said = lacking(experiment(**facts), 5.0, AT, more)
    assert words in said and bool(said) == bool(words)
