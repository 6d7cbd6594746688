"""A short, bounded load through the edge: golden rows of every model and arm, by a few callers at once.

It is no benchmark. It shows that the release bears callers beside each other: answers stay right, and none fails.
"""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import requests

from scripts.edge import smoke
from scripts.edge.client import EdgeClient
from scripts.edge.smoke import GoldenRows, Verdict
from scripts.image.release import Release

#: Callers at once, and the most requests a second of each: far below the edge's limits for one key.
CALLERS, PACE = 4, 25.0
LONGEST = 600.0


class Burden(NamedTuple):
    """What became of the requests; `problem` is what one of those that failed got."""

    requests: int
    failed: int
    seconds: float
    p50_ms: float
    p95_ms: float
    problem: str = ""

    def __str__(self) -> str:
        sent = f"{self.requests} requests in {self.seconds:.0f} s by {CALLERS} callers"
        failed = (
            f"{self.failed} failed, as this one: {self.problem}" if self.failed else "none failed"
        )
        return (
            f"{sent}, {failed}; half within {self.p50_ms:.0f} ms, 95 % within {self.p95_ms:.0f} ms"
        )


def bear(edge: EdgeClient, release: Release, seconds: float) -> Burden:
    """Ends early where something fails: more of it would prove nothing."""
    began, stop = time.monotonic(), threading.Event()
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = [
            callers.submit(_call, edge, release, caller, began + seconds, stop)
            for caller in range(CALLERS)
        ]
    asked = [pair for call in calls for pair in call.result()]
    problems = [verdict for verdict, _ in asked if verdict.problem]
    taken = sorted(milliseconds for _, milliseconds in asked)
    return Burden(
        requests=len(asked),
        failed=len(problems),
        seconds=time.monotonic() - began,
        p50_ms=_share_of(taken, 0.5),
        p95_ms=_share_of(taken, 0.95),
        problem=str(problems[0]) if problems else "",
    )


def _call(
    edge: EdgeClient, release: Release, caller: int, until: float, stop: threading.Event
) -> list[tuple[Verdict, float]]:
    """One caller's answers, each with its milliseconds; callers begin with different models."""
    targets = list(smoke.targets(release))
    if not targets:
        return []
    turns = itertools.cycle(targets[caller % len(targets) :] + targets[: caller % len(targets)])
    answers: list[tuple[Verdict, float]] = []
    with edge.session() as session:
        while time.monotonic() < until and not stop.is_set():
            began = time.monotonic()
            answers.append(_ask(edge, release, next(turns), session))
            if answers[-1][0].problem:
                stop.set()
            stop.wait(max(began + 1 / PACE - time.monotonic(), 0))
    return answers


def _ask(
    edge: EdgeClient, release: Release, target: GoldenRows, session: requests.Session
) -> tuple[Verdict, float]:
    began = time.monotonic()
    verdict = smoke.ask(session, edge.url, target, smoke.TIMEOUT, release.name)
    return verdict, (time.monotonic() - began) * 1000


def _share_of(taken: list[float], share: float) -> float:
    return taken[min(int(len(taken) * share), len(taken) - 1)] if taken else 0.0
