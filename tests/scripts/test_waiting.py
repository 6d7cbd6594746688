"""How long is waited for what may never come."""

from __future__ import annotations

import pytest

from scripts.command.options import parsed, parser, waiting
from scripts.image.release import Intended
from scripts.ledger.records import Record
from scripts.release import wait as progress
from scripts.release.order import Goal, Order
from scripts.release.wait import NoRoom, TooLate, Wait
from scripts.stack_file.render import Inputs
from tests.scripts.views import GOOD

INTENDED = Intended(GOOD, "aaaa", {}, {})
LACK = "shop_model: replica 1 finds no node: no suitable node (insufficient resources on 3 nodes)"


@pytest.fixture(name="wait")
def _wait() -> Wait:
    return Wait("shop", INTENDED, lambda _: pytest.fail("nobody is asked"), {}, deadline=0.0)


def test_a_replica_that_finds_no_room_ends_it_with_the_reason(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(progress, "HOMELESS", -1.0)
    with pytest.raises(NoRoom, match=r"insufficient resources on 3 nodes\); add a node"):
        wait._room(LACK)


def test_room_that_is_found_in_time_is_as_if_it_had_been_there(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
):
    wait._room(LACK)
    wait._room("")
    monkeypatch.setattr(progress, "HOMELESS", 1000.0)
    wait._room(LACK)


def test_the_deadline_says_what_was_waited_for(wait: Wait):
    with pytest.raises(TooLate, match="2 of 3 run"):
        wait._rest("shop_model: 2 of 3 run")


def test_an_order_is_what_the_command_line_says():
    given = ["--by", "ann", "--why", "w", "--deadline", "5", "--back-deadline", "6", "--watch", "7"]
    options = parsed(waiting(parser("deploy", None, 600.0), 15.0), [*given, "--break-lock"])
    goal = Goal(INTENDED, Inputs({}, {"MODEL_IMAGE": GOOD}, {}))

    def decide(_: list[Record]) -> Goal:
        return goal

    order = Order.of(options, "deploy", "aaaa", decide)
    assert order == ("swarmline", "deploy", "aaaa", decide, "ann", "w", 5, 6, 7, True)
