"""`.ci/run` on a small tree whose Makefile passes, fails, hangs or leaves something running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.machine import started, wait_until

SECONDS = 60


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci")
    (tmp_path / ".ci/install").write_text("#!/bin/sh\necho nothing is missing\n")
    (tmp_path / ".ci/install").chmod(0o755)
    return tmp_path


def start(tree: Path, **targets: str) -> subprocess.Popen[str]:
    """CI as a service runs it: elsewhere, and with nothing on standard input."""
    recipes = {"env": "@echo made", "check": "@echo checked", "test": "@echo tested"} | targets
    text = "".join(f"{name}:\n\t{recipe}\n" for name, recipe in recipes.items())
    (tree / "Makefile").write_text(text)
    return subprocess.Popen(
        ["bash", "-c", f"exec {tree}/.ci/run <&-"],
        cwd="/",
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(tree: Path, **targets: str) -> tuple[int, str]:
    with start(tree, **targets) as process:
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output


def wait_for_end(pid: int) -> None:
    """A busy machine takes its time over a process that was killed."""
    wait_until(lambda: not started(pid), f"process {pid} ends", SECONDS)


def test_every_phase_runs_in_order_and_says_how_long_it_took(tree: Path):
    code, output = finish(tree)
    assert code == 0, output
    places = [output.index(word) for word in ("nothing is missing", "made", "checked", "tested")]
    assert places == sorted(places)
    assert "== tests: passed, " in output and "ci: all passed in" in output


@pytest.mark.parametrize("target", ["env", "check", "test"])
def test_a_phase_that_fails_fails_the_run(tree: Path, target: str):
    code, output = finish(tree, **{target: "@exit 1"})
    assert code != 0 and "all passed" not in output
    assert ("tested" in output, "failed (2)" in output) == (False, True)


def test_standard_input_is_empty_and_ci_is_true(tree: Path):
    code, output = finish(tree, test='@cat; echo "CI is $$CI"')
    assert (code, "CI is true" in output) == (0, True), output


def test_ctrl_c_still_works_inside_a_phase(tree: Path):
    ignored = "@grep SigIgn /proc/self/status"
    _, output = finish(tree, test=ignored)
    mask = int(output.split("SigIgn:")[1].split()[0], 16)
    assert not mask & 1 << (signal.SIGINT - 1)


def test_what_a_phase_leaves_running_is_ended(tree: Path):
    leave = "@setsid sleep 300 >/dev/null 2>&1 & echo $$! >left"
    code, output = finish(tree, test=leave)
    assert (code, "sleep 300" in output) == (0, True), output
    wait_for_end(int((tree / "left").read_text()))


def test_a_stopped_run_stops_its_phase(tree: Path):
    os.mkfifo(tree / "pipe")
    with start(tree, test="@echo $$$$ >pipe; exec sleep 300") as process:
        pid = int((tree / "pipe").read_text())
        process.terminate()
        process.communicate(timeout=SECONDS)
        assert process.returncode == 143
    wait_for_end(pid)
