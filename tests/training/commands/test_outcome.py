"""What the command line does with models that are not good enough, and with those that are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.training import Workspace, rows_of, write_spec
from training.data.split import split
from training.registry import versions
from training.spec.load import load
from training.spec.values import Spec

GATES: dict[str, tuple[dict[str, Any], str]] = {
    "absolute": (
        {"metrics": {"accuracy": {"min": 1.01}}},
        r"accuracy >= 1\.01: value [\d.]+, bound 1\.01",
    ),
    "slice": (
        {"slices": {"accuracy": {"min": 1.01}}},
        r"accuracy where hue is [\d.]+ to [\d.]+ >= 1\.01",
    ),
    "latency": ({"latency_ms": 1e-6}, r"latency_ms, one row, p99 <= 1e-06: value [\d.]+"),
    "size": ({"size_mb": 1e-6}, r"size_mb <= 1e-06: value [\d.]+"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", GATES)
def test_a_gate_that_fails_ends_with_three_and_registers_nothing(
    workspace: Workspace, tmp_path: Path, wine: str, kind: str
) -> None:
    gates, said = GATES[kind]
    slices = {"columns": ["hue"], "minimum_rows": 5}
    spec = write_spec(tmp_path, f"gate-{kind}", wine, gates=gates, slices=slices)
    done = workspace.training("train", "--json", "--promote", "never", spec)
    assert done.code == 3
    assert re.search(rf"gate-{kind}: the gate failed, run \w+\n  {said}", done.err)
    assert workspace.versions(f"gate-{kind}") == []
    assert not (workspace.trained / f"gate-{kind}").exists()


@pytest.mark.slow
def test_a_failed_run_stays_visible_with_its_verdict(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    gates = {"metrics": {"accuracy": {"min": 1.01}}}
    workspace.training("train", write_spec(tmp_path, "visible", wine, gates=gates))
    (run,) = workspace.runs("visible")
    assert run.info.status == "FAILED"
    assert run.data.tags["swarmline.gate"] == "failed"
    assert run.data.metrics["held_out.accuracy"] < 1.01
    with workspace.client() as client:
        file = client.download_artifacts(run.info.run_id, "gate.json")
    assert '"passed": false' in Path(file).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failed_gate_is_in_the_document(workspace: Workspace, tmp_path: Path, wine: str) -> None:
    good = write_spec(tmp_path, "good", wine)
    poor = write_spec(tmp_path, "poor", wine, gates={"metrics": {"accuracy": {"min": 1.01}}})
    done = workspace.training("train", "--json", poor, good)
    assert done.code == 3
    outcomes = {outcome["model"]: outcome for outcome in done.document}
    assert (outcomes["good"]["status"], outcomes["poor"]["status"]) == ("trained", "failed")
    assert [gate["passed"] for gate in outcomes["poor"]["gates"]] == [False, True]


def spoil_training_rows(spec: Spec, folder: Path) -> str:
    """The same rows on the held-out side, and wrong labels on the other."""
    rows = rows_of("wine")
    labels, train = rows["target"].to_numpy(copy=True), split(spec, rows).train
    labels[train] = np.roll(labels[train], len(train) // 3)
    rows.assign(target=labels).to_csv(folder / "spoiled.csv", index=False)
    return str(folder / "spoiled.csv")


@pytest.mark.slow
def test_worse_than_the_champion_fails_the_gate(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    by_chance = {"split": "random"}
    spec = write_spec(tmp_path, "worse", wine, data=by_chance)
    first = workspace.training("train", "--promote", "first", spec)
    assert first.code == 0, first.err
    gates = {"champion": {"accuracy": 0.01}}
    source = spoil_training_rows(load(spec), tmp_path)
    done = workspace.training(
        "train", write_spec(tmp_path, "worse", source, data=by_chance, gates=gates)
    )
    assert done.code == 3
    assert "accuracy no worse than the champion's by more than 0.01: value" in done.err
    with workspace.client() as client:
        assert versions.aliases(client, "worse") == {"champion": "1"}


@pytest.mark.slow
def test_a_gate_that_only_reports_registers_all_the_same(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    gates = {"metrics": {"accuracy": {"min": 1.01}}}
    spec = write_spec(tmp_path, "reported", wine, gates=gates)
    done = workspace.training("train", "--json", "--gate", "report", spec)
    assert done.code == 0
    assert "--gate report: registered all the same" in done.err
    assert [gate["passed"] for gate in done.document[0]["gates"]] == [False, True]
    # What was let through once is no pass: the same training with its gates enforced fails.
    assert workspace.training("train", spec).code == 3


@pytest.mark.slow
def test_a_gate_for_later_ends_well_and_is_told_by_the_command_gate(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    poor = write_spec(tmp_path, "later-poor", wine, gates={"metrics": {"accuracy": {"min": 1.01}}})
    good = write_spec(tmp_path, "later-good", wine)
    assert workspace.training("train", "--gate", "later", poor, good).code == 0
    assert workspace.versions("later-poor") == []
    done = workspace.training("gate", poor, good)
    assert done.code == 3
    assert "FAIL  accuracy >= 1.01: value " in done.err and "later-good: version 1" in done.err
    assert workspace.training("gate", good).code == 0


@pytest.mark.slow
def test_a_gate_without_a_candidate_says_what_makes_one(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    done = workspace.training("gate", write_spec(tmp_path, "untrained", wine))
    assert done.code == 1 and "untrained: no candidate here; `make train" in done.err


@pytest.mark.slow
def test_a_release_has_the_candidate_as_champion_and_promotion_follows_it(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "released", wine)
    workspace.training("train", "--promote", "first", spec)
    workspace.training("train", "--force", spec)
    assert workspace.training("export", "--json", spec).document == {
        "released": {"champion": "1", "challenger": "2"}
    }
    exported = workspace.training("export", "--json", "--release", spec)
    assert exported.document == {"released": {"champion": "2"}}
    for moved in (["1 -> 2"], []):
        done = workspace.training("promote", "--json", "--exported", "--why", "it serves", spec)
        assert [f"{move['replaced']} -> {move['version']}" for move in done.document] == moved


@pytest.mark.slow
def test_what_was_found_unchanged_still_tells_its_decisions(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "same", wine)
    first, again = (workspace.training("train", "--json", spec).document[0] for _ in range(2))
    assert again["status"] == "unchanged"
    assert (again["gates"], again["metrics"]) == (first["gates"], first["metrics"])
