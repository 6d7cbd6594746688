"""A deploy that is interrupted: before, in the middle, on the way back, and too late."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from tests.support import ROOT
from tests.support.scripts.rollouts import BROKEN, NEW, OLD, RECORD, outcomes, serve
from tests.support.scripts.swarm_in_a_file import SwarmInAFile

DEPLOY = """
from tests.support.scripts.rollouts import order
from scripts.command import outcome
from scripts.rollout import rollout
raise SystemExit(outcome.finish(lambda: rollout.carry_out(order(watch=0.1)), True))
"""


def interrupted(swarm: SwarmInAFile, call: str, times: int = 1) -> dict[str, Any]:
    """How a deploy of its own process ends that gets a signal in the middle of a docker command."""
    swarm.fault(call, times=times, signal=signal.SIGTERM)
    done = subprocess.run(
        [sys.executable, "-c", DEPLOY], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    assert facts["code"] == done.returncode
    return facts


def test_an_interrupt_before_anything_changed_changes_nothing(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, "stack config")
    assert (facts["code"], facts["reason"]) == (
        1,
        "interrupted by SIGTERM, before anything was changed",
    )
    assert swarm.deploys == [OLD.image] and not swarm.is_locked


def test_an_interrupt_in_the_middle_brings_the_release_before_back(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, "stack deploy")
    assert (facts["code"], facts["reason"]) == (2, "interrupted by SIGTERM; release aaaa serves")
    assert swarm.deploys[-1] == OLD.image and not swarm.is_locked


def test_an_interrupt_while_going_back_does_not_stop_it(swarm: SwarmInAFile):
    serve(swarm)
    swarm.change("bad", **{NEW.image: BROKEN})
    swarm.fault("stack deploy")
    facts = interrupted(swarm, "stack deploy")
    assert facts["code"] == 2 and "release aaaa serves" in facts["reason"]
    assert outcomes(swarm)[1:] == [("bbbb", "rolled back")] and not swarm.is_locked


def test_an_interrupt_once_it_is_verified_comes_too_late(swarm: SwarmInAFile):
    serve(swarm)
    facts = interrupted(swarm, RECORD)
    assert (facts["code"], facts["release"]) == (0, "bbbb")
    assert outcomes(swarm)[1:] == [("bbbb", "verified")] and not swarm.is_locked
