"""A drafted spec is one that loads, and whose data keeps its contract."""

from pathlib import Path

import pandas as pd
import pytest

from tests.training.conftest import plants
from training import data, dataset, spec
from training.draft import draft_spec
from training.errors import SourceError


def drafted(tmp_path: Path, rows: pd.DataFrame, target: str) -> spec.Spec:
    rows.to_csv(tmp_path / "my_plants.csv", index=False)
    (tmp_path / "my-plants.toml").write_text(draft_spec(tmp_path / "my_plants.csv", target, ""))
    return spec.load(tmp_path / "my-plants.toml")


@pytest.mark.parametrize(
    ("target", "task"), [("weight", "regression"), ("grade", "classification")]
)
def test_a_draft_loads_and_its_data_passes(tmp_path: Path, target: str, task: str) -> None:
    found = drafted(tmp_path, plants().drop(columns=["id", "day"]), target)
    rows = data.read(found)
    report, made = dataset.check(found, rows, data.fingerprint(rows))
    assert (found.task, report.errors) == (task, [])
    assert made is not None


def test_types_are_told_from_the_values(tmp_path: Path) -> None:
    rows = plants()[["kind", "light", "leaves", "watered", "weight"]]
    rows.loc[3, "leaves"] = None
    inputs = {column.name: column for column in drafted(tmp_path, rows, "weight").inputs}
    assert {name: column.type for name, column in inputs.items()} == {
        "kind": "category",
        "light": "number",
        "leaves": "integer",
        "watered": "boolean",
    }
    assert inputs["leaves"].nullable
    assert inputs["kind"].categories == ("herb", "tree")


def test_times_and_booleans_with_gaps_are_seen_in_a_csv(tmp_path: Path) -> None:
    rows = plants()[["watered", "day", "weight"]].astype({"watered": object})
    rows.loc[3, "watered"] = None
    inputs = {column.name: column for column in drafted(tmp_path, rows, "weight").inputs}
    assert (inputs["watered"].type, inputs["watered"].nullable) == ("boolean", True)
    assert inputs["day"].type == "timestamp"


def test_a_range_is_wider_than_the_values_and_whole_for_integers(tmp_path: Path) -> None:
    rows = plants()[["leaves", "weight"]]
    leaves = drafted(tmp_path, rows, "weight").inputs[0]
    assert leaves.minimum == 0
    assert leaves.maximum is not None
    assert leaves.maximum > rows["leaves"].max()
    assert leaves.maximum == int(leaves.maximum)


def test_a_text_with_many_values_is_left_out_and_said(tmp_path: Path) -> None:
    plants().assign(note=[f"note {number}" for number in range(300)]).to_csv(
        tmp_path / "p.csv", index=False
    )
    assert '# "note" left out: a text with 300 different values' in draft_spec(
        tmp_path / "p.csv", "weight", ""
    )


def test_an_unknown_target_is_refused_with_the_columns(tmp_path: Path) -> None:
    plants().to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(SourceError, match="given target 'wight'; allowed: kind, light"):
        draft_spec(tmp_path / "p.csv", "wight", "")
