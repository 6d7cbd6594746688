"""Trainings with steps left out, ended in the middle, or two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.processes import PATIENCE, wait_until
from tests.support.training import SMALL, Workspace, rows_of, write_spec
from training.commands.arguments import STEPS

#: Takes minutes: there is time to end it in the middle.
LONG = {"candidates": ["random-forest"], "budget": 2000, "folds": 5}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_left_out(
    workspace: Workspace, tmp_path: Path, wine: str, step: str
) -> None:
    name = f"without-{step}"
    done = workspace.training("train", "--json", "--skip", step, write_spec(tmp_path, name, wine))
    assert done.code == 0, done.err
    (outcome,) = done.document
    registered = step not in ("export", "register")
    assert outcome["status"] == ("trained" if registered else "not registered")
    assert bool(outcome["metrics"]) == (step != "evaluate")
    assert bool(outcome["gates"]) == (step not in ("evaluate", "gate"))
    assert len(workspace.versions(name)) == registered


@pytest.mark.slow
def test_a_training_without_a_step_does_not_stand_for_a_whole_one(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "partly", wine)
    statuses = [
        workspace.training("train", "--json", *skip, spec).document[0]["status"]
        for skip in (["--skip", "gate"], ["--skip", "gate"], [])
    ]
    assert statuses == ["trained", "unchanged", "trained"]


@pytest.mark.slow
def test_rows_that_break_the_contract_are_left_out_when_validation_is_skipped(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    columns = {**SMALL["columns"], "hue": {"type": "number", "minimum": 0, "maximum": 1}}
    spec = write_spec(tmp_path, "lenient", wine, columns=columns)
    done = workspace.training("train", "--skip", "validate", spec)
    assert done.code == 0, done.err
    (run,) = workspace.runs("lenient")
    assert int(run.data.tags["swarmline.rows"]) == (rows_of("wine")["hue"] <= 1).sum()


def interrupted(workspace: Workspace, spec: Path, number: int) -> tuple[int, str]:
    """The exit code and the last words of a training that got a signal while it searched."""
    with workspace.started("train", spec) as process:
        wait_until(lambda: workspace.runs(spec.stem), "the run of the training")
        # A terminal sends Ctrl-C to all that the training started, too.
        send = os.killpg if number == signal.SIGINT else os.kill
        deadline = time.monotonic() + PATIENCE
        while True:
            send(process.pid, number)
            try:
                # Some library may swallow it where it arrives: then a person presses again.
                _, err = process.communicate(timeout=20)
                break
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, f"signal {number} did not end the training"
    return process.returncode, err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_a_training_that_is_ended_leaves_nothing_half_made(
    workspace: Workspace, tmp_path: Path, wine: str, number: int, code: int
) -> None:
    name = f"ended-{number:d}"
    ended, err = interrupted(workspace, write_spec(tmp_path, name, wine, search=LONG), number)
    assert ended == code
    assert "Traceback" not in err
    # Who is killed cannot say so any more.
    assert [run.info.status for run in workspace.runs(name)] == [
        "RUNNING" if number == signal.SIGKILL else "FAILED"
    ]
    assert workspace.versions(name) == []
    assert not (workspace.trained / name).exists()
    again = workspace.training("train", "--json", write_spec(tmp_path, name, wine))
    assert [outcome["status"] for outcome in again.document] == ["trained"]


@pytest.mark.slow
def test_of_two_trainings_at_once_one_finds_what_the_other_made(tmp_path: Path, wine: str) -> None:
    workspace, spec = Workspace(tmp_path), write_spec(tmp_path, "twice", wine)
    command = ("train", "--json", spec)
    with workspace.started(*command) as first, workspace.started(*command) as second:
        said = [process.communicate(timeout=PATIENCE) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert sorted(json.loads(out)[0]["status"] for out, _ in said) == ["trained", "unchanged"]
    assert len(workspace.versions("twice")) == 1
