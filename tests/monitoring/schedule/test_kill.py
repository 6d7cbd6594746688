"""A monitor that is killed in the middle: nothing half-written, and the next start goes on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.schedule.conftest import KEY, Watch
from tests.support import ROOT
from tests.support.machine import wait_until

LOOK = """
import datetime as dt, os, sys, time
from monitoring.schedule.loop import Judge
from monitoring.settings import read_settings
moment, most, *key = sys.argv[1:]
judge = Judge(read_settings(os.environ))
judge.store.prepare()
save = judge.store.save
def save_some(*words, **more):
    if len(judge.store.windows(*key)) >= int(most):
        # Whoever kills this has all the time that he takes.
        time.sleep(600)
    return save(*words, **more)
judge.store.save = save_some
while not judge.lock.hold():
    time.sleep(0.05)
print("looking", flush=True)
judge.monitor.look(dt.datetime.fromisoformat(moment))
print("done", flush=True)
"""


def whole(watch: Watch) -> dict[Any, Any]:
    """By window, all that was said of it; each with as many findings as the others."""
    windows = {window.start: window for window in watch.store.windows(*KEY)}
    return {start: watch.store.findings(*KEY, start) for start in sorted(windows)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("windows", "kills"), [(10, 2), pytest.param(30, 4, marks=pytest.mark.thorough)]
)
def test_killed_at_any_moment_it_leaves_whole_windows_and_the_next_one_goes_on(
    make_watch: Callable[[dict[str, str]], Watch],
    environ: dict[str, str],
    tmp_path: Path,
    windows: int,
    kills: int,
):
    watch = make_watch(environ)
    for minute in range(windows):
        watch.predict(minute, rows=150, shift=40.0 if minute >= 4 else 0.0)
    watch.look(1.1)
    script = tmp_path / "look.py"
    script.write_text(LOOK, encoding="utf-8")
    command = [sys.executable, str(script), watch.at(windows + 0.1).isoformat()]
    chance = random.Random(7)
    killed = 0
    for _ in range(40):
        # In the middle of one of the next windows, wherever that is.
        wanted = len(watch.store.windows(*KEY)) + chance.randint(1, 5)
        with subprocess.Popen(
            [*command, str(wanted + 1), *KEY],
            env=os.environ | environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout and process.stderr
            assert process.stdout.readline() == "looking\n", process.stderr.read()
            wait_until(
                lambda process=process, wanted=wanted: process.poll() is not None
                or len(watch.store.windows(*KEY)) >= wanted,
                "windows",
                step=0.003,
            )
            killed += process.poll() is None
            process.kill()
            process.wait()
        sizes = {len(findings) for findings in whole(watch).values()}
        assert len(sizes) <= 1, "a window has fewer findings than another"
        if len(whole(watch)) == windows:
            break
    watch.look(windows + 0.1)
    assert killed >= kills and list(watch.rows()) == list(range(windows))
    (light,) = [
        a for a in watch.store.alarms(standing=True) if (a.kind, a.column) == ("drift", "light")
    ]
    assert light.window_start == watch.at(5)
