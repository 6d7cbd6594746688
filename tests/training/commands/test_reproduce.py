"""A version is made again from its record, here and in another checkout."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support import ROOT
from tests.support.toml import toml
from tests.support.training import SMALL, Workspace, rows_of, write_spec
from training.registry import runs, versions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("reproduce")
    rows_of("wine").to_csv(folder / "wine.csv", index=False)
    return Workspace(folder)


@pytest.fixture(scope="module")
def cellar(workspace: Workspace) -> Workspace:
    """With version 1 of `cellar`, whose data are gone."""
    train(workspace, "cellar", search={"candidates": ["linear", "random-forest"], "budget": 2})
    return workspace


def train(workspace: Workspace, name: str, *options: str, **changes: object) -> None:
    spec = write_spec(workspace.folder, name, str(workspace.folder / "wine.csv"), **changes)
    done = workspace.training("train", spec, *options)
    assert done.code == 0, done.err


def test_a_version_is_reproduced_to_the_last_bit(cellar: Workspace) -> None:
    done = cellar.training("reproduce", "--json", "cellar", "1").document
    assert (done["rows"], done["labels_differ"], done["largest"]) == (36, 0, 0)
    assert done["same_code"] and done["same_lock"]


def test_a_version_is_reproduced_by_another_checkout(cellar: Workspace, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    uri = f"sqlite:///{cellar.folder}/build/mlflow.db"
    elsewhere = Workspace(tmp_path, MLFLOW_TRACKING_URI=uri)
    done = elsewhere.process("reproduce", "--json", "cellar", "1", root=checkout)
    assert done.code == 0, done.err
    assert (done.document["labels_differ"], done.document["largest"]) == (0, 0)
    assert (elsewhere.trained / "cellar" / "1").is_dir()


def test_a_version_whose_search_the_clock_ended_is_reproduced_from_its_winner(
    workspace: Workspace,
) -> None:
    candidates = ["linear", "gradient-boosting"]
    search = {"candidates": candidates, "budget": 500, "budget_seconds": 1}
    train(workspace, "timed", search=search)
    done = workspace.training("reproduce", "--json", "timed", "1").document
    assert (done["labels_differ"], done["largest"]) == (0, 0)


def test_a_version_made_without_a_search_is_reproduced_without_one(workspace: Workspace) -> None:
    candidates = {"candidates": ["linear", "random-forest"], "budget": 2, "scoring": "auc"}
    train(workspace, "unsearched", "--skip", "search", search=candidates)
    done = workspace.training("reproduce", "--json", "unsearched", "1")
    assert done.code == 0, done.err
    assert done.document["largest"] == 0
    assert "trained again, linear" in done.err


def test_a_version_whose_rows_were_too_many_to_keep_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARMLINE_SNAPSHOT_MB", "0")
    train(workspace, "large")
    done = workspace.training("reproduce", "large", "1")
    assert done.code == 1
    assert "large 1: has no snapshot to train from: not kept: " in done.err
    assert "over the limit of 0" in done.err


def test_other_predictions_than_recorded_end_with_three(
    workspace: Workspace, tmp_path: Path
) -> None:
    train(workspace, "tampered")
    with workspace.client() as client:
        run = versions.find(client, "tampered", "1").run_id
        file = client.download_artifacts(run, runs.SNAPSHOT_FILE, str(tmp_path))
        rows = pd.read_parquet(file)
        rows.assign(target=np.roll(rows["target"], 50)).to_parquet(file, index=False)
        client.log_artifact(run, file)
    done = workspace.training("reproduce", "tampered", "1")
    assert done.code == 3
    assert "tampered 1: other predictions than recorded: " in done.err


def test_a_version_that_is_not_there_cannot_be_reproduced(workspace: Workspace) -> None:
    done = workspace.training("reproduce", "nobody", "7")
    assert done.code == 1
    assert "nobody: given version '7'; allowed: none yet" in done.err


def test_a_recipe_is_reproduced_from_its_contexts(workspace: Workspace) -> None:
    """Its objective is a small model of wine's colour; what to decide is the alcohol."""
    objective = write_spec(
        workspace.folder,
        "colour",
        str(workspace.folder / "wine.csv"),
        task="regression",
        data={"target": "color_intensity", "split": "random"},
        gates={},
    )
    recipe = {
        "name": "colouring",
        "task": "optimization",
        "objective": {"model": str(objective), "value": 1, "contexts": 40, "generations": 3},
        "columns": {"hue": SMALL["columns"]["hue"]},
        "recipe": {"alcohol": {"minimum": 11, "maximum": 15, "cost": 0.1}},
        "search": SMALL["search"],
    }
    spec = workspace.folder / "colouring.toml"
    spec.write_text(toml(recipe), encoding="utf-8")
    done = workspace.training("train", spec)
    assert done.code == 0, done.err
    done = workspace.training("reproduce", "--json", "colouring", "1").document
    assert (done["rows"], done["largest"]) == (10, 0)
