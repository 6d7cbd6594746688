"""What a target says goes where it went, and is kept for the mail; how it ended is kept too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SHELL = Path(__file__).parents[2] / "scripts/logged.sh"


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def line(log: Path, command: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SWARMLINE_LOG": str(log), "SWARMLINE_GOAL": "bake"}
    return subprocess.run(
        [str(SHELL), "-c", command], env=environ, text=True, capture_output=True, check=False
    )


def test_output_and_errors_stay_apart_and_both_are_kept(log: Path) -> None:
    done = line(log, "echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert sorted((log / "bake.log").read_text().split()) == ["err", "out"]
    assert not (log / "failed").exists()


def test_a_line_that_fails_keeps_its_code_and_is_noted(log: Path) -> None:
    assert line(log, "exit 7").returncode == 7
    assert (log / "failed").read_text() == "7 bake\n"


def test_a_later_line_is_added(log: Path) -> None:
    line(log, "echo one")
    line(log, "echo two")
    assert (log / "bake.log").read_text() == "one\ntwo\n"
