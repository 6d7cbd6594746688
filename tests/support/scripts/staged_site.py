"""A stack that serves callers and its staging, on a Swarm in a file."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.operate import confirm
from scripts.release import deploy, plan
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, release

TRIAL = "trial"
ARMS = {"late": {"champion": {"version": "1"}}}
WRONG = [7.0]


def document(day: int) -> dict[str, Any]:
    return {"created": f"2026-01-{day:02}T00:00:00+00:00", "models": ARMS, "code": f"of {day}"}


def past(number: int, name: str, day: int, **facts: Any) -> Record:
    return release(number, name, golden={}, document=document(day), **facts)


class StagedSite:
    """Both stacks, by the commands that people and Jenkins give."""

    def __init__(self, swarm: SwarmInAFile, url: str, patch: pytest.MonkeyPatch):
        self.swarm, self._url, self._patch = swarm, url, patch

    def publish(self, name: str, day: int) -> str:
        return self.swarm.publish(past(0, name, day))

    def stage(self, name: str, day: int, *words: str) -> int:
        return self.in_trial(
            deploy.main, "--image", self.publish(name, day), "--watch", "0", *words
        )

    def confirm(self, *words: str) -> int:
        return self.in_trial(confirm.main, "--load", "0.4", "--deadline", "2", *words)

    def in_trial(self, main: Any, *words: str) -> int:
        with self._patch.context() as patch:
            patch.setenv("SWARMLINE_URL", self._url)
            code: int = main(["--stack", TRIAL, *words])
            return code

    def deliver(self, name: str, day: int, *words: str) -> int:
        return deploy.main(["--image", self.publish(name, day), "--watch", "0", *words])

    def plan(self, name: str, day: int) -> int:
        return plan.main(["--image", self.publish(name, day)])

    @property
    def serving(self) -> str:
        record = records.serving(records.history(NAME))
        return record.release if record else ""

    @property
    def last(self) -> Record:
        return records.history(NAME)[0]
