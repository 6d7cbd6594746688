"""What is lost when parts of the Swarm go: how many requests, and how long until full strength."""

from __future__ import annotations

import time

import pytest

from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.events import containers, nobody_noticed, note
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
THREADS = 4


def test_a_node_that_is_cut_off_loses_no_more_than_what_was_in_flight_on_it(calm: Stack):
    node = calm.swarm.nodes[2]
    with calm.called(THREADS) as callers:
        node.cut_off()
        lost = strength_without(calm, node.name)
        at_loss = callers.seen.requests
        wait_until(lambda: callers.seen.requests > at_loss + 1000, "callers are answered", 60)
    node.reconnect()
    note("node cut off", callers.seen, full_strength_after_s=lost)
    assert len(callers.seen.failures) <= THREADS, callers.seen.summary


def strength_without(stack: Stack, name: str) -> float:
    """Seconds until three replicas run on the other nodes."""
    began = time.monotonic()
    wait_until(
        lambda: len([on for on in stack.nodes_of("model") if on != name]) == 3,
        f"full strength without {name}",
        120,
        0.5,
    )
    return round(time.monotonic() - began, 1)


def test_a_node_that_is_drained_loses_nothing(calm: Stack):
    node = calm.swarm.nodes[1]
    try:
        with calm.called(THREADS) as callers:
            calm.swarm.docker("node", "update", "--availability", "drain", node.name)
            took = strength_without(calm, node.name)
            wait_until(lambda: node.name not in calm.nodes_of("edge"), "its edge is gone", 90)
    finally:
        calm.swarm.docker("node", "update", "--availability", "active", node.name)
    note("node drained", callers.seen, full_strength_after_s=took)
    assert nobody_noticed(callers.seen), callers.seen.summary


def test_an_edge_that_is_killed_loses_no_more_than_what_was_in_flight_in_it(calm: Stack):
    node, container = containers(calm, "edge")[0]
    with calm.called(THREADS) as callers:
        node.docker("kill", container)
        wait_until(lambda: container not in ids(calm), "it is seen to be gone", 30)
        took = calm.wait_for_strength("edge", 2)
    note("edge killed, of two", callers.seen, full_strength_after_s=took)
    assert len(callers.seen.failures) <= THREADS, callers.seen.summary


def ids(stack: Stack) -> list[str]:
    return [container for _, container in containers(stack, "edge")]
