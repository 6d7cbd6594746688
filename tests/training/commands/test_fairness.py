"""`[fairness]` from the command line: the gate fires, and what MLflow keeps has no row of the group's column."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tests.support.training import Workspace, rows_of, write_spec
from training.registry import runs

GROUPS = ("lower slope", "upper slope")
CLASSES = {"classes": ["class_0", "class_1", "class_2"]}


def source(folder: Path) -> Path:
    """Wine whose first class grows on one slope alone; a few rows are of a third."""
    rows = rows_of("wine")
    slope = (rows["target"] == "class_0").map({True: GROUPS[0], False: GROUPS[1]})
    slope[::12] = "hidden terrace"
    path = folder / "wine.csv"
    rows.assign(slope=slope).to_csv(path, index=False)
    return path


def test_a_gate_on_groups_fires_and_no_row_of_their_column_is_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    spec = write_spec(
        tmp_path,
        "slopes",
        source(tmp_path),
        target=CLASSES,
        fairness={"group": "slope", "positive": "class_0", "minimum_rows": 8},
        gates={"fairness": {"selection_rate": {"difference": 0.1}}},
    )
    done = workspace.training("train", spec)
    assert done.code == 3
    assert "selection_rate by slope, difference <= 0.1: value" in done.err
    (run,) = workspace.runs("slopes")
    assert run.data.metrics["fairness.selection_rate.difference"] > 0.5
    download = tmp_path / "download"
    download.mkdir()
    with workspace.client() as client:
        folder = Path(client.download_artifacts(run.info.run_id, "", str(download)))
    assert "slope" not in pd.read_parquet(folder / runs.SNAPSHOT_FILE).columns
    figures = json.loads((folder / runs.FAIRNESS_FILE).read_text(encoding="utf-8"))
    assert [group["name"] for group in figures["groups"]] == list(GROUPS)
    assert figures["small_groups"] == 1
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hidden terrace" in path.read_bytes()]
    inputs = "".join(
        dataset.dataset.schema + dataset.dataset.profile for dataset in run.inputs.dataset_inputs
    )
    assert "proline" in inputs and "slope" not in inputs


def test_a_source_without_the_column_is_refused_with_those_that_it_has(
    workspace: Workspace, tmp_path: Path
) -> None:
    fairness = {"group": "incline", "positive": "class_0"}
    spec = write_spec(tmp_path, "inclines", source(tmp_path), target=CLASSES, fairness=fairness)
    done = workspace.training("validate", spec)
    assert done.code == 2
    assert "incline: is missing; the source of inclines has alcohol" in done.err
