"""Challengers of five kinds through the ramp on a real Swarm, with a monitor and callers who tell the truth.

What became of each, when, and how many requests it answered, is noted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from tests.support.service.bundles import YIELD, rows_for, write_bundle
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.events import note
from tests.support.swarm_stack.monitored import windows_of_a_minute
from tests.support.swarm_stack.releases import Workshop
from tests.support.swarm_stack.stack import Stack
from tests.support.swarm_stack.truthful import KEY, Rows, SeenByArm, TruthfulCallers, World

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
SETTINGS = windows_of_a_minute(every=2, allowance=1) | {
    "EDGE_PORT": "9447",
    "MODEL_REPLICAS": "2",
}
#: The champion's mean error is that of one who is off by so much; truth scatters by itself.
CHAMPION, SCATTER = 6.0, 4.0
#: Requests a second of each of two callers, of one row.
RATE = 30.0
#: Seconds of an answer that the monitor calls slow.
SLOW = 0.25


class Challenger(NamedTuple):
    """By how much it is off, and how its ramp may end: the outcome, the share that it has then."""

    offset: float
    outcomes: tuple[str, ...]
    share: float


#: Models by what is the matter with their challenger; `fails` and `slow` are in bad/challengers.py.
CHALLENGERS = {
    "better": Challenger(0.0, ("promoted",), 100.0),
    "worse": Challenger(14.0, ("worse",), 0.0),
    "fails": Challenger(CHAMPION, ("worse",), 0.0),
    "slow": Challenger(CHAMPION, ("worse", "step condemned"), 0.0),
    "alike": Challenger(CHAMPION, ("undecided",), 0.0),
}


@pytest.fixture(name="stack", scope="module")
def _stack(
    swarm: Swarm, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Five models, each with a challenger, and monitoring."""
    place = tmp_path_factory.mktemp("five")
    for model, challenger in CHALLENGERS.items():
        contract = msgspec.structs.replace(YIELD, model=model)
        arms = (("1", "champion", CHAMPION), ("2", "challenger", challenger.offset))
        for version, arm, offset in arms:
            write_bundle(place / "bundles", contract, version, arm=arm, linear=True, offset=offset)
    good = workshop.release_of(place, monitoring="on")
    release = workshop.bad("challengers", good)._replace(monitor=good.monitor)
    stack = Stack(swarm, tmp_path_factory.mktemp("ramps"), "ramps", SETTINGS)
    stack.run("secrets", "make", "--self-signed", "edge.test").good()
    stack.run("secrets", "add-key", KEY, "--scopes", "predict,truth").good()
    with ExitStack() as ended:
        ended.callback(stack.remove)
        done = stack.deploy(release, "--watch", "0").good()
        assert done.document["monitoring"]["state"] == "running", done.words
        yield stack


def draw(random: np.random.Generator) -> Rows:
    return rows_for(YIELD, 1, seed=int(random.integers(1 << 30)))


def truths_of(random: np.random.Generator, rows: Rows) -> list[float]:
    return [row["light"] + 2 * row["temperature"] + random.normal(0, SCATTER) for row in rows]


def course(stack: Stack, model: str, began: dt.datetime) -> list[tuple[float, str]]:
    """Seconds and words of each entry of the ledger about this ramp."""
    records = stack.run("releases", "--json").good().document["records"]
    mine = [record for record in records if f"{model}" in record["why"] + record["reason"]]
    later = [
        ((dt.datetime.fromisoformat(record["at"]) - began).total_seconds(), record)
        for record in mine
    ]
    return [
        (round(at), f"{record['kind']} {record['outcome']}: {record['why']}"[:160])
        for at, record in later
        if at >= 0
    ]


@pytest.mark.parametrize("model", CHALLENGERS)
def test_a_ramp_ends_as_its_challenger_deserves(model: str, stack: Stack):
    expected = CHALLENGERS[model]
    began = dt.datetime.now(dt.UTC)
    with TruthfulCallers(stack, model, World(draw, truths_of), RATE) as callers:
        words = ("--steps", "5,25,50", "--promote", "better", "--verdict-hours", "0.04", "--json")
        done = stack.run("ramp", model, *words, "--why", f"a challenger that is {model}")
    figures = touched(callers.seen)
    note(
        f"ramp of a challenger: {model}", callers.seen, done,
        **figures, outcome=done.document.get("outcome"), course=course(stack, model, began),
    )  # fmt: skip
    print(f"{model}: {done.seconds} s, {figures} {callers.seen.summary}\n{done.words}")
    assert done.document["outcome"] in expected.outcomes, done.words
    assert done.document["share"] == expected.share, done.words
    assert figures["truths"] > 100, figures
    # Nobody but the challenger's callers met anything.
    failed = sum(answer.status != "200" for answer in callers.seen.of("challenger"))
    assert len(callers.seen.failures) == failed, callers.seen.summary
    assert bool(failed) is (model == "fails")


def touched(seen: SeenByArm) -> dict[str, Any]:
    """How many requests the challenger answered, and how many of them badly."""
    answers = seen.of("challenger")
    return {
        "requests_of_challenger": len(answers),
        "of_them_failed": sum(answer.status != "200" for answer in answers),
        "of_them_slow": sum(answer.seconds > SLOW for answer in answers),
        "truths": seen.truths,
    }
