"""How long is waited for what may never come."""

from __future__ import annotations

import pytest

from scripts.command.deadline import Deadline
from scripts.command.options import add_rollout, parsed, parser
from scripts.edge.client import EdgeClient
from scripts.image.release import Release
from scripts.ledger.records import Record
from scripts.rollout import wait as waiting
from scripts.rollout.order import Goal, Order
from scripts.rollout.wait import NoRoom, TooLate, Wait
from scripts.stack_file.render import StackInputs
from tests.support.scripts.views import GOOD, service, view

RELEASE = Release(GOOD, "aaaa", {}, {})
LACK = "shop_model: replica 1 finds no node: no suitable node (insufficient resources on 3 nodes)"


@pytest.fixture(name="wait")
def _wait() -> Wait:
    edge = EdgeClient("http://127.0.0.1:9", "", "")
    return Wait("shop", RELEASE, lambda _: edge, {}, view(service()), deadline=Deadline(0.0))


def test_a_replica_that_finds_no_room_ends_it_with_the_reason(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting, "PATIENCE_FOR_ROOM", -1.0)
    with pytest.raises(NoRoom, match=r"insufficient resources on 3 nodes\); add a node"):
        wait.need_room(LACK)


def test_room_that_is_found_in_time_is_as_if_it_had_been_there(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
):
    wait.need_room(LACK)
    wait.need_room("")
    monkeypatch.setattr(waiting, "PATIENCE_FOR_ROOM", 1000.0)
    wait.need_room(LACK)


def test_the_deadline_says_what_was_waited_for(wait: Wait):
    with pytest.raises(TooLate, match="2 of 3 run"):
        wait.rest("shop_model: 2 of 3 run")


def test_an_order_is_what_the_command_line_says():
    words = ["--by", "ann", "--why", "w", "--deadline", "5", "--back-deadline", "6", "--watch", "7"]
    options = parsed(add_rollout(parser("deploy", None, 600.0), 15.0), [*words, "--break-lock"])
    goal = Goal(RELEASE, StackInputs({}, {"MODEL_IMAGE": GOOD}, {}))

    def decide(_: list[Record]) -> Goal:
        return goal

    order = Order.of(options, "deploy", "aaaa", decide)
    assert order == ("swarmline", "deploy", "aaaa", decide, "ann", "w", 5, 6, 7, True)
