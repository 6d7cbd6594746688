"""What fails around a training is said in one sentence with its remedy, and leaves nothing half-made."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.support.processes import PATIENCE, wait_until
from tests.support.training import SMALL, Workspace, rows_of, tracking_server, write_spec

BAD = {"gates": {"metrics": {"accuracy": {"min": 1.01}}}}
FOREST = {"candidates": ["random-forest"], "budget": 4, "folds": 2}


def errors(said: str) -> list[str]:
    assert "Traceback" not in said
    return [line for line in said.splitlines() if line.startswith("error: ")]


@pytest.mark.slow
def test_a_model_that_fails_leaves_the_others_trained(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    columns = {**SMALL["columns"], "absent": {"type": "number"}}
    broken = write_spec(tmp_path, "broken-rows", wine, columns=columns)
    unread = write_spec(tmp_path, "unread", wine, task="regresion")
    poor, good = write_spec(tmp_path, "poor-one", wine, **BAD), write_spec(tmp_path, "last", wine)
    done = workspace.training("train", "--json", unread, broken, poor, good)
    assert done.code == 3
    assert [outcome["status"] for outcome in done.document] == ["failed", "trained"]
    for said in ("task: given 'regresion'", "absent: is missing", "poor-one: the gate failed"):
        assert said in done.err
    assert len(errors(done.err)) == 1 and len(workspace.versions("last")) == 1


def test_models_that_are_not_known_are_told_together(workspace: Workspace) -> None:
    done = workspace.training("validate", "nobody", "noone")
    assert done.code == 1
    assert "nobody.toml: cannot be read" in done.err and "noone.toml: cannot be read" in done.err


@pytest.mark.slow
def test_candidates_that_cannot_learn_the_rows_are_passed_over_and_said(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = rows_of("wine")
    rows.loc[3:, "target"] = "class_1"
    rows.to_csv(tmp_path / "rare.csv", index=False)
    search = {"candidates": ["mlp", "linear"], "budget": 2, "folds": 2}
    spec = write_spec(tmp_path, "rare", tmp_path / "rare.csv", search=search)
    done = workspace.training("train", "--json", spec)
    assert done.code == 0, done.err
    assert done.document[0]["candidate"] == "linear"
    assert "rare: mlp cannot learn these rows: The least populated class" in done.err


def test_an_mlflow_that_refuses_is_said_with_what_to_do(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec, nobody = write_spec(tmp_path, "refused", wine), "http://127.0.0.1:9"
    done = workspace.training("train", spec, MLFLOW_TRACKING_URI=nobody)
    assert done.code == 1
    assert errors(done.err) == [
        f"error: MLflow at {nobody} (MLFLOW_TRACKING_URI) does not answer: connection refused;"
        " start it, or set MLFLOW_TRACKING_URI to one that runs"
    ]


def test_a_database_of_mlflow_that_refuses_is_said_without_its_password(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    address = "postgresql+psycopg://writer:hunter2@127.0.0.1:9/mlflow"
    done = workspace.training(
        "train", write_spec(tmp_path, "closed", wine), MLFLOW_TRACKING_URI=address
    )
    assert done.code == 1 and "hunter2" not in done.err
    assert "127.0.0.1:9/mlflow (MLFLOW_TRACKING_URI) does not answer" in errors(done.err)[0]


@pytest.mark.slow
def test_an_mlflow_that_takes_connections_and_is_silent_is_not_waited_for_long(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        spec = write_spec(tmp_path, "silent", wine)
        with workspace.started("train", spec, MLFLOW_TRACKING_URI=uri) as process:
            # MLflow's own patience is eight minutes.
            _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "does not answer: no answer in time" in errors(err)[0]


@pytest.mark.slow
def test_an_mlflow_that_goes_away_in_the_middle_is_said_once(tmp_path: Path) -> None:
    rows_of("wine").to_csv(tmp_path / "wine.csv", index=False)
    spec = write_spec(tmp_path, "left", tmp_path / "wine.csv", search=FOREST)
    with tracking_server(tmp_path) as (uri, server):
        workspace = Workspace(tmp_path, MLFLOW_TRACKING_URI=uri)
        with workspace.started("train", spec) as process:
            wait_until(lambda: list((tmp_path / "artifacts").rglob("validation.html")), "its rows")
            os.killpg(server.pid, signal.SIGKILL)
            _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert len(errors(err)) == 1 and f"MLflow at {uri}" in errors(err)[0], err
        assert not list(tmp_path.rglob("manifest.json"))


@pytest.fixture(scope="module")
def bad_disk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What trainings came to on a disk of their own, full or read-only."""
    folder = tmp_path_factory.mktemp("bad-disk")
    rows_of("wine").to_csv(folder / "wine.csv", index=False)
    spec = write_spec(folder, "small", folder / "wine.csv")
    program = [sys.executable, "-m", "tests.support.bad_disk", str(folder), str(spec)]
    done = subprocess.run(
        ["unshare", "-Urm", *program],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
    )
    outcomes: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return outcomes


@pytest.mark.slow
def test_a_full_disk_is_said_in_one_sentence_whichever_step_it_ends(
    bad_disk: dict[str, dict[str, Any]],
) -> None:
    full = {name: outcome for name, outcome in bad_disk.items() if name.endswith("KB left")}
    assert len(full) > 2
    for name, outcome in full.items():
        (said,) = errors(outcome["said"])
        assert (outcome["code"], "the disk is full; make room" in said) == (1, True), (name, said)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(bad_disk: dict[str, dict[str, Any]]) -> None:
    for name, place in (("read-only", "build/locks"), ("reports read-only", "build/closed/small")):
        (said,) = errors(bad_disk[name]["said"])
        assert bad_disk[name]["code"] == 1
        assert f"{place}: cannot be written (Read-only file system); make it writable" in said


@pytest.mark.slow
def test_a_training_that_failed_on_a_bad_disk_leaves_nothing_half_made(
    bad_disk: dict[str, dict[str, Any]],
) -> None:
    assert bad_disk["after"]["code"] == 0, bad_disk["after"]["said"]
    for outcome in bad_disk.values():
        assert outcome["unfinished"] == [] and "RUNNING" not in outcome["runs"]
    assert [len(outcome["versions"]) for outcome in bad_disk.values()][-2:] == [1, 2]
