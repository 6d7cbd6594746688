"""Ramps on a real Swarm, with callers, Prometheus, monitor and PostgreSQL: five challengers, and what came of each.

Nothing is shortened but the windows of the monitor and the pause between two of its looks.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pytest

from service.bundle.contract import Contract, Output
from tests.support.machine import wait_until
from tests.support.service import bundles
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.commands import Outcome
from tests.support.swarm_stack.events import PLACE, note
from tests.support.swarm_stack.releases import Workshop
from tests.support.swarm_stack.stack import Stack
from tests.support.swarm_stack.truthful import SLOW, Answers, Question, TruthfulCallers

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
SETTINGS = {
    **{"MONITORING": "on", "MONITOR_EVERY": "5", "MONITOR_WINDOW": "1m", "MONITOR_ALLOWANCE": "2"},
    **{"EDGE_PORT": "9447", "MODEL_REPLICAS": "2", "EDGE_REPLICAS": "1"},
}
#: The key of callers who say the truth, too.
CALLER = "caller"
#: Requests a second, and rows of each.
RATE, ROWS = 25.0, 20
CLASSES = ("A", "B", "C")
#: Of the truth, which a model that weighs light and temperature rightly knows in 0.87 of the rows.
WEIGHTS, NOISE, EDGES = (1.0, 2.0), 10.0, (77.46, 122.54)
#: That knows it in 0.81.
LIGHTER = (1.0, 1.2)


class Case(NamedTuple):
    """A model by what its challenger is, the weights of both arms, and how its ramp has to end."""

    model: str
    champion: tuple[float, float]
    challenger: tuple[float, float]
    code: int
    outcomes: tuple[str, ...]


CASES = (
    Case("better", LIGHTER, WEIGHTS, 0, ("promoted",)),
    Case("worse", WEIGHTS, LIGHTER, 2, ("worse",)),
    # The watch of the step and the monitor both see it: whoever does first.
    Case("failing", WEIGHTS, WEIGHTS, 2, ("worse", "step condemned")),
    Case("slow", WEIGHTS, WEIGHTS, 2, ("worse", "step condemned")),
    Case("alike", WEIGHTS, WEIGHTS, 0, ("stays",)),
)


@pytest.fixture(name="judged", scope="module")
def _judged(
    swarm: Swarm, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A release of all these models, each with champion 1 and challenger 2 that has no callers yet."""
    place = tmp_path_factory.mktemp("challengers")
    for case in CASES:
        contract = Contract(
            case.model, "classification", bundles.NUMBERS, (Output("grade"),), CLASSES
        )
        for version, arm, weights in (
            ("1", "champion", case.champion),
            ("2", "challenger", case.challenger),
        ):
            bundles.write_bundle(
                place / "bundles", contract, version,
                arm=arm, linear=True, seed=int(version), weights=weights,
            )  # fmt: skip
    good = workshop.release_of(place, monitoring="on")
    release = workshop.bad("challengers", good)._replace(monitor=good.monitor)
    stack = Stack(swarm, tmp_path_factory.mktemp("stack"), "ramp", SETTINGS)
    try:
        stack.run("secrets", "make", "--self-signed", "edge.test").good()
        stack.run("secrets", "add-key", CALLER, "--scopes", "predict,truth").good()
        done = stack.deploy(release, "--watch", "0").good()
        assert done.document["monitoring"]["state"] == "running", done.words
        yield stack
    finally:
        stack.remove()


class Grower:
    """Rows of callers, each thread's from a seed of its own, with the grade that was true of them."""

    def __init__(self) -> None:
        self._random = {number: np.random.default_rng([5, number]) for number in range(16)}

    def question(self, thread: int) -> Question:
        random = self._random[thread]
        light, temperature = random.uniform(0, 100, ROWS), random.uniform(0, 50, ROWS)
        trays = random.integers(1, 51, ROWS)
        score = WEIGHTS[0] * light + WEIGHTS[1] * temperature + random.normal(0, NOISE, ROWS)
        rows = [
            {"light": round(row[0], 3), "temperature": round(row[1], 3), "trays": int(row[2])}
            for row in zip(light.tolist(), temperature.tolist(), trays.tolist(), strict=True)
        ]
        return Question(rows, [CLASSES[grade] for grade in np.digitize(score, EDGES)])


@contextmanager
def truthful(stack: Stack, model: str) -> Iterator[TruthfulCallers]:
    trust = ssl.create_default_context(cafile=str(stack.folder / "secrets/edge.crt"))
    trust.check_hostname = False
    port = int(stack.environ["EDGE_PORT"])
    key = (stack.folder / f"secrets/{CALLER}.key").read_text(encoding="ascii").strip()
    grower = Grower()
    with TruthfulCallers(
        stack.addresses(), port, trust, key, model, grower.question, RATE
    ) as callers:
        wait_until(lambda: callers.seen.requests > 50, "callers are answered", 60)
        yield callers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model)
def test_a_ramp_ends_as_its_challenger_deserves(case: Case, judged: Stack):
    with truthful(judged, case.model) as callers:
        began = time.time()
        options = ("--step-minutes", "5", "--verdict-hours", "0.2", "--json", "--why", "a show")
        with judged.begin("ramp", case.model, *options, WATCH="8") as running:
            done = running.outcome(1500)
        ended = time.time()
        last = callers.seen.requests
        wait_until(lambda: callers.seen.requests > last + 200, "callers are answered", 60)
    seen = callers.seen
    print(done.words)
    note(f"ramp: {case.model}", seen, done, **figures(judged, done, seen, began, ended))
    write_table()
    assert (done.code, done.document["outcome"] in case.outcomes) == (case.code, True), done.words
    assert all(
        each.arm == "challenger" for each in seen.answered if each.status != "200"
    ), seen.summary
    assert seen.failures == [] or case.model == "failing", seen.summary
    after = {each.arm for each in seen.answered if each.at > ended}
    arms = {"promoted": {"challenger"}, "stays": {"champion", "challenger"}}
    assert after == arms.get(done.document["outcome"], {"champion"})


def figures(
    stack: Stack, done: Outcome, seen: Answers, began: float, ended: float
) -> dict[str, Any]:
    """How it ended, when each share was there, and how many callers met the challenger."""
    records = stack.run("releases", "--json").good().document["records"]
    changes = [
        {"at_s": round(at_of(each) - began), "took_s": each["seconds"], "why": each["why"][:60]}
        for each in reversed(records)
        if each["kind"] == "traffic" and at_of(each) > began - 5
    ]
    challenged = seen.of("challenger", began)
    return {
        "ended": done.document["outcome"],
        "reason": done.document.get("reason", ""),
        "ramp_s": round(ended - began),
        "changes": changes,
        "asked": len([each for each in seen.answered if began <= each.at <= ended]),
        "by_challenger": len([each for each in challenged if each.at <= ended]),
        "failed_by_challenger": sum(each.status != "200" for each in challenged),
        "slow_by_challenger": sum(each.seconds > SLOW for each in challenged),
        "slow_by_champion": sum(each.seconds > SLOW for each in seen.of("champion", began)),
        "first_s": round(challenged[0].at - began, 1) if challenged else None,
        "last_s": round(challenged[-1].at - began, 1) if challenged else None,
        "truths": seen.truths,
        "refused_truths": seen.refused_truths[:3],
    }


def at_of(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["at"]).timestamp()


def write_table() -> None:
    """What came of each challenger so far, as Markdown: docs/experiments.md has it of one run."""
    noted = json.loads(PLACE.read_bytes())
    lines = [
        "| challenger | ended | after s | shares, at s | callers | the challenger's | failed | slow | the champion's slow |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        if facts := noted.get(f"ramp: {case.model}"):
            lines.append(f"| {case.model} | {' | '.join(cells(facts))} |")
    PLACE.with_name("ramp.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def cells(facts: dict[str, Any]) -> list[str]:
    shares = [
        f"{share_of(change['why'])} {change['at_s'] + change['took_s']:.0f}"
        for change in facts["changes"]
    ]
    counts = (
        "asked",
        "by_challenger",
        "failed_by_challenger",
        "slow_by_challenger",
        "slow_by_champion",
    )
    return [
        facts["ended"],
        f"{facts['ramp_s']}",
        ", ".join(shares),
        *(f"{facts[name]:,}" for name in counts),
    ]


def share_of(why: str) -> str:
    """Of a step, or of the end of a ramp."""
    step = re.search(r"ramp: ([\d.]+ %)", why)
    return step[1] if step else "none" if "no callers" in why else "all"
