"""What a target says goes where it went, and is kept for the mail; how it ended is kept too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SHELL = Path(__file__).parents[3] / "scripts/logged.sh"


@pytest.fixture(name="log")
def _log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def line(log: Path, command: str, goal: str = "bake") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SWARMLINE_LOG": str(log), "SWARMLINE_GOAL": goal}
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


def test_a_goal_may_be_a_file_in_a_folder_that_is_not_there(log: Path) -> None:
    done = line(log / "of/a/build", "echo out", goal=".venv/.ready")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "")
    assert (log / "of/a/build/.venv/.ready.log").read_text() == "out\n"


def test_a_log_that_cannot_be_written_is_said_and_fails_nothing(log: Path) -> None:
    log.write_text("a file", encoding="ascii")
    done = line(log, "echo out; exit 7")
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert (
        done.stderr == f"swarmline: {log}/bake.log cannot be written: what bake says is not kept\n"
    )


def test_a_line_that_removes_the_log_and_fails_is_noted(log: Path) -> None:
    assert line(log, f"rm -r {log}; exit 7").returncode == 7
    assert (log / "failed").read_text() == "7 bake\n"


#: Told to end, it has something to put right and to say before.
CAREFUL = """
import signal, sys
def end(*_):
    print("putting it right", file=sys.stderr, flush=True)
    print("done", flush=True)
    sys.exit(2)
signal.signal(signal.SIGTERM, end)
print("at work", flush=True)
while True:
    signal.pause()
"""


def test_who_is_told_to_end_is_heard_to_the_end(log: Path) -> None:
    """As Jenkins aborts: every process of the build gets the signal at once."""
    environ = {**os.environ, "SWARMLINE_LOG": str(log), "SWARMLINE_GOAL": "bake", "CODE": CAREFUL}
    with subprocess.Popen(
        [str(SHELL), "-c", f'{sys.executable} -c "$CODE"'],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "at work\n"
        os.killpg(process.pid, signal.SIGTERM)
        out, words = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "done\n") and "putting it right\n" in words
    log_text = (log / "bake.log").read_text()
    assert "done" in log_text and "putting it right" in log_text
    assert (log / "failed").read_text() == "2 bake\n"
