"""A ramp that is told to end: the share stays as it was, which is said and kept; nothing goes on unseen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.scripts.judged_site import MODEL, JudgedSite

pytestmark = pytest.mark.slow


@contextmanager
def ramping(*words: str) -> Iterator[subprocess.Popen[str]]:
    """At a terminal of its own, for many more requests than come."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.ramp", MODEL, "--requests", "999999", *words],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_told_to_end_while_it_waits_it_leaves_the_share(site: JudgedSite, number: int) -> None:
    with ramping("--steps", "25") as process:
        until(lambda: site.share() == 0.25)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert f"challenger 2 keeps 25 %, and nobody watches it: `make ramp MODEL={MODEL}`" in said
    assert "Traceback" not in said and site.share() == 0.25
    newest = site.swarm.history[0]
    assert (newest.kind, newest.outcome) == ("ramp", "interrupted")
    assert "ended: interrupted by SIG" in newest.reason


def test_told_to_end_in_the_middle_of_a_step_the_step_ends_too(site: JudgedSite) -> None:
    # Of the ramp itself, then of the traffic command.
    site.swarm.fault("info")
    site.swarm.fault("info", hangs=True)
    with ramping("--steps", "25") as process:
        until(lambda: len(site.swarm.calls("info")) == 2)
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 3 and "late, interrupted: interrupted by SIGTERM" in said
    assert site.share() == 0 and not site.swarm.deploys and not site.swarm.is_locked
    assert "champion 1 answers all callers" in said
