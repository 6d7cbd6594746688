"""How many callers meet a release that the watch condemns: with its replicas told to take no more requests, or not.

"Not told" is by a checkout whose deploy tells them nothing, as all did before there was containment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import wait_until
from tests.support.service.bundles import QUALITY, rows_for
from tests.support.swarm_stack.callers import NextRequest, Request, Seen, prediction
from tests.support.swarm_stack.events import answering, note, only_it_failed
from tests.support.swarm_stack.releases import MODEL, OTHER, Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
ROW = {"light": 20.0, "temperature": 21.5, "trays": 4}
#: Each way is met by so many callers: as many as were counted before any replica was told.
REQUESTS = 22_452
#: What the deploy says of replicas that were told.
TOLD = "take no more requests"


@pytest.fixture(name="telling_nobody", scope="module")
def _telling_nobody(workshop: Workshop) -> Path:
    first_line = "    waiting = {address: task"
    change = ("scripts/edge/containment.py", first_line, f"    return []\n{first_line}")
    return workshop.altered("telling-nobody", change)


def one_model(stack: Stack) -> NextRequest:
    request = prediction(MODEL, [ROW], stack.key)
    return lambda _: request


def both_models(stack: Stack) -> NextRequest:
    """A caller in two asks the other model."""
    requests: list[Request] = [
        prediction(MODEL, [ROW], stack.key),
        prediction(OTHER, rows_for(QUALITY, 1), stack.key),
    ]
    return lambda thread: requests[thread % 2]


def failed(seen: Seen, bad: Release) -> int:
    return sum(failure.release == bad.name for failure in seen.failures)


def slow(seen: Seen, bad: Release) -> int:
    return seen.slow[bad.name]


@pytest.mark.parametrize(
    ("fault", "asking", "met"),
    [("fails_sometimes", one_model, failed), ("slow_for_one", both_models, slow)],
)
# pylint: disable-next=too-many-arguments,too-many-positional-arguments
def test_fewer_callers_meet_a_condemned_release_whose_replicas_are_told(
    fault: str,
    asking: Callable[[Stack], NextRequest],
    met: Callable[[Seen, Release], int],
    calm: Stack,
    first: Release,
    workshop: Workshop,
    telling_nobody: Path,
):
    bad = workshop.bad(fault, first)
    shares = {}
    for way, root in (("not told", telling_nobody), ("told", calm.root)):
        stack = replace(calm, root=root)
        with stack.called(asking=asking(stack)) as callers:
            done = stack.deploy(bad, "--watch", "15")
            wait_until(
                lambda callers=callers: callers.seen.requests >= REQUESTS,
                "as many requests",
                120,
                0.01,
            )
        seen = callers.seen
        figures: dict[str, Any] = {"met_it": met(seen, bad), "reason": done.document.get("reason")}
        note(f"condemned release: {fault}, {way}", seen, done, **figures)
        print(f"{fault}, {way}: {figures} {seen.summary}\n{done.words}")
        assert done.code == 2, done.words
        assert (TOLD in done.words) is (way == "told"), done.words
        assert only_it_failed(seen, bad), seen.summary
        assert answering(calm) == {first.name}
        shares[way] = figures["met_it"] / seen.requests
    assert shares["told"] < shares["not told"], shares
