"""A drafted spec is one that loads, and whose data keeps its contract."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.plants import plants
from tests.support.training import Workspace
from training.common.errors import SourceError, SpecError
from training.data import dataset, sources
from training.draft.draft import draft_spec, write_draft
from training.spec.load import load
from training.spec.values import Spec


def drafted(tmp_path: Path, rows: pd.DataFrame, target: str) -> Spec:
    rows.to_csv(tmp_path / "my_plants.csv", index=False)
    return load(write_draft(str(tmp_path / "my_plants.csv"), target, "", tmp_path))


@pytest.mark.parametrize(
    ("target", "task"), [("weight", "regression"), ("grade", "classification")]
)
def test_a_draft_loads_and_its_data_passes(tmp_path: Path, target: str, task: str) -> None:
    spec = drafted(tmp_path, plants().drop(columns=["id", "day"]), target)
    rows = sources.read(spec)
    report, data = dataset.validate(spec, rows, sources.fingerprint(rows))
    assert (spec.task, report.errors) == (task, [])
    assert data is not None


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


def test_an_unknown_target_is_refused_with_the_columns(tmp_path: Path) -> None:
    plants().to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(SourceError, match="given target 'wight'; allowed: kind, light"):
        draft_spec(str(tmp_path / "p.csv"), "wight", "")


@pytest.mark.parametrize(
    "name", ["My Model", "../evil", "$(reboot)", "a" * 64, "x\n", "-x", "模型"]
)
def test_an_impossible_name_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    plants().to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(SpecError, match="^--name: given .* allowed: small letters") as refusal:
        write_draft(str(tmp_path / "p.csv"), "weight", name, tmp_path)
    assert "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_a_refused_name_comes_with_one_that_is_possible(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="such as 'my-model'"):
        write_draft("p.csv", "weight", "My Model", tmp_path)


def test_a_spec_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    plants().to_csv(tmp_path / "p.csv", index=False)
    (tmp_path / "mine.toml").write_text("mine")
    with pytest.raises(SpecError, match="mine.toml: is there already"):
        write_draft(str(tmp_path / "p.csv"), "weight", "mine", tmp_path)
    assert (tmp_path / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize("password", ["s3cret", "s3@cr/et"])
def test_a_draft_never_prints_a_password(
    workspace: Workspace, tmp_path: Path, password: str
) -> None:
    address = f"postgresql://reader:{password}@db/shop"
    for arguments in ([address], ["p.csv", address]):
        done = workspace.process("draft", *arguments, "--target", "late", "--folder", tmp_path)
        assert done.code == 1 and "postgresql://reader:***@db/shop" in done.err
        assert "s3" not in done.out + done.err and "cret" not in done.out + done.err


AWKWARD: dict[str, list[Any]] = {
    "always the same": [1.2345678] * 120,
    "far from zero": [1e6 + number / 1e4 for number in range(120)],
    "tiny": [number * 1e-12 for number in range(120)],
    "huge": [number * 1e30 for number in range(120)],
    "identifiers": list(range(20_250_101, 20_250_221)),
    "empty": [None] * 120,
    'a "quoted" \\ name\n\t\x7f': ["a", 'b"c', "\x7f"] * 40,
}


def test_whatever_a_file_holds_its_draft_loads_and_its_data_passes(tmp_path: Path) -> None:
    weight = plants(120)["weight"].to_numpy()
    spec = drafted(tmp_path, pd.DataFrame({**AWKWARD, "weight": weight}), "weight")
    rows = sources.read(spec)
    report, _ = dataset.validate(spec, rows, sources.fingerprint(rows))
    assert report.errors == []
    assert {column.name for column in spec.inputs} == AWKWARD.keys() - {
        "empty",
        "always the same",
        "identifiers",
    }


def test_lists_in_a_parquet_file_are_left_out(tmp_path: Path) -> None:
    rows = plants(20)[["light", "weight"]].assign(history=[[1, 2]] * 20)
    rows.to_parquet(tmp_path / "p.parquet")
    path = write_draft(str(tmp_path / "p.parquet"), "weight", "p", tmp_path)
    assert [column.name for column in load(path).inputs] == ["light"]


@pytest.mark.parametrize(
    ("target", "said"), [([None] * 300, "has no value"), (map(str, range(300)), "300 different")]
)
def test_a_target_that_nothing_predicts_is_refused(
    tmp_path: Path, target: Iterable[Any], said: str
) -> None:
    rows = plants().assign(grade=[value and f"text {value}" for value in target])
    rows.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(SourceError, match=said):
        draft_spec(str(tmp_path / "p.csv"), "grade", "p")
