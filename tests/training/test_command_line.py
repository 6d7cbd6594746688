"""What the command line says and how it ends, for whatever may go wrong."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.house import PATIENCE, SMALL, House, impatient, rows_of, wait_until, write_spec
from training import registry
from training.data import split
from training.options import STEPS
from training.spec import Spec, load

#: Takes minutes: there is time to end it in the middle.
LONG = {"candidates": ["random-forest"], "budget": 2000, "folds": 5}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Every test here uses a model name of its own."""
    return House(tmp_path_factory.mktemp("command-line"))


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("wine") / "wine.csv"
    rows_of("wine").to_csv(path, index=False)
    return str(path)


def versions(house: House, model: str) -> list[registry.Version]:
    with house.client() as client:
        return registry.versions(client, model)


def runs(house: House, model: str) -> list[Any]:
    """The trainings of a model, newest first, without their trials."""
    with house.client() as client:
        experiment = client.get_experiment_by_name(model)
        if experiment is None:
            return []
        found = client.search_runs([experiment.experiment_id])
        return [run for run in found if "mlflow.parentRunId" not in run.data.tags]


# Exit code 1: what cannot be used


def test_an_unknown_model_is_told_with_the_known_ones(house: House) -> None:
    done = house.training("train", "nonsense")
    assert done.code == 1
    assert "nonsense.toml: cannot be read" in done.err
    assert "yield-prediction" in done.err


def test_every_mistake_of_a_spec_is_told_at_once(house: House, tmp_path: Path, wine: str) -> None:
    spec = write_spec(tmp_path, "bad", wine, search={"candidates": ["oracle"], "budget": 0})
    done = house.training("train", "--json", spec)
    assert (done.code, done.out) == (1, "")
    assert re.search(
        r"bad\.toml: search\.candidates: given \['oracle'\]; allowed: .*'linear'", done.err
    )
    assert "bad.toml: search.budget: given 0; allowed: a whole number above 0" in done.err


@pytest.mark.parametrize("wrong", [["--skip", "thinking"], ["--gate", "maybe"], ["--nonsense"]])
def test_a_wrong_use_ends_with_one(
    house: House, capfd: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        house.training("train", *wrong)
    assert ended.value.code == 1
    assert capfd.readouterr().out == ""


BROKEN = {
    "empty.csv": b"",
    "header.csv": b"alcohol,flavanoids,hue,proline,target\n",
    "truncated.csv": b"alcohol,flavanoids,hue,proline,target\n13,2,1,900,class_0\n12,1",
    "latin.csv": "alcohol,flavanoids,hue,proline,target\n13,2,1,900,caf\u00e9\n".encode("latin-1"),
    "quoted.csv": b'alcohol,flavanoids,hue,proline,target\n13,2,1,900,"class_0\n12,2,1,900,class_1\n',
    "torn.parquet": b"PAR1 and then nothing",
    "empty.parquet": b"",
    "table.xlsx": b"PK",
}
SAYS = {
    "empty.csv": "is empty",
    "header.csv": "has no rows",
    "truncated.csv": "the last line has 2 fields of 5; the file looks truncated",
    "latin.csv": "is not UTF-8 at byte",
    "quoted.csv": "cannot be read",
    "torn.parquet": "cannot be read",
    "empty.parquet": "cannot be read",
    "table.xlsx": "allowed: .csv, .parquet",
}


@pytest.mark.parametrize("file", BROKEN)
def test_a_source_that_cannot_be_used_is_named(house: House, tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(BROKEN[file])
    done = house.training("train", write_spec(tmp_path, "broken", str(tmp_path / file)))
    assert done.code == 1
    assert f"{file}: " in done.err and SAYS[file] in done.err
    assert runs(house, "broken") == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("absent-*.parquet", "absent-*.parquet: no such file in"),
        ("sample:moon", "sample 'moon' is not known; allowed: farm"),
    ],
)
def test_a_source_that_is_not_there_is_named(
    house: House, tmp_path: Path, source: str, said: str
) -> None:
    done = house.training("train", write_spec(tmp_path, "absent", source))
    assert done.code == 1
    assert said in done.err


def test_a_file_that_may_not_be_read_is_named(house: House, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    done = house.training("train", write_spec(tmp_path, "folder", str(tmp_path / "folder.csv")))
    assert done.code == 1
    assert "folder.csv: cannot be read" in done.err


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEKT 1", 'near "SELEKT": syntax error'),
        ("CREATE TABLE made (x)", "does not return rows"),
    ],
)
def test_a_dead_query_is_told_with_what_the_database_said(
    house: House, tmp_path: Path, query: str, said: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")):
        spec = write_spec(tmp_path, "query", f"sqlite:///{tmp_path}/some.db", data={"query": query})
        done = house.training("train", spec)
    assert done.code == 1
    assert said in done.err and query in done.err


def test_a_dead_database_is_named_without_its_password(house: House, tmp_path: Path) -> None:
    url = "postgresql+psycopg://reader:${WAREHOUSE_PASSWORD}@127.0.0.1:9/shop"
    spec = write_spec(tmp_path, "dead", url, data={"query": "SELECT 1"})
    done = house.training("train", spec, WAREHOUSE_PASSWORD="hunter2")
    assert done.code == 1
    assert "127.0.0.1" in done.err and "refused" in done.err
    assert "hunter2" not in done.err


def test_a_variable_that_is_not_set_is_named(house: House, tmp_path: Path) -> None:
    url = "postgresql+psycopg://reader:${NOT_SET_ANYWHERE}@127.0.0.1:9/shop"
    done = house.training("train", write_spec(tmp_path, "unset", url, data={"query": "SELECT 1"}))
    assert done.code == 1
    assert "the environment variable NOT_SET_ANYWHERE is not set" in done.err


def test_an_mlflow_that_does_not_answer_is_named(house: House, tmp_path: Path, wine: str) -> None:
    done = house.training(
        "train",
        write_spec(tmp_path, "unreachable", wine),
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )
    assert done.code == 1
    assert "MLflow at http://127.0.0.1:9 (MLFLOW_TRACKING_URI)" in done.err


def test_a_database_of_mlflow_that_is_none_is_named(
    house: House, tmp_path: Path, wine: str
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = house.training("train", write_spec(tmp_path, "garbage", wine), MLFLOW_TRACKING_URI=uri)
    assert done.code == 1
    assert f"MLflow at {uri}" in done.err and "file is not a database" in done.err


def test_a_cluster_that_does_not_answer_is_named(house: House, tmp_path: Path, wine: str) -> None:
    spec = write_spec(tmp_path, "clusterless", wine)
    with impatient():
        done = house.training("train", spec, "--cluster", "tcp://127.0.0.1:9")
    assert done.code == 1
    assert "--cluster tcp://127.0.0.1:9: no Dask scheduler answers there" in done.err
    assert [run.info.status for run in runs(house, "clusterless")] == ["FAILED"]


# Exit code 2: data that break the contract


def test_data_that_break_the_contract_end_with_two(house: House, tmp_path: Path, wine: str) -> None:
    columns = {**SMALL["columns"], "hue": {"type": "number", "minimum": 0, "maximum": 1}}
    done = house.training("train", "--json", write_spec(tmp_path, "ranges", wine, columns=columns))
    assert done.code == 2
    assert re.search(r"hue: is not a finite number from 0 to 1 \(\d+ rows\)", done.err)
    assert versions(house, "ranges") == []


def test_validate_alone_says_where_its_reports_are(house: House, tmp_path: Path, wine: str) -> None:
    columns = {**SMALL["columns"], "colour": {"type": "category", "categories": ["red"]}}
    done = house.training(
        "validate", "--json", write_spec(tmp_path, "missing", wine, columns=columns)
    )
    assert done.code == 2
    (found,) = done.document
    assert (found["model"], found["ok"]) == ("missing", False)
    assert all(Path(path).is_file() for path in found["reports"].values())


# Exit code 3: a gate that fails

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
    house: House, tmp_path: Path, wine: str, kind: str
) -> None:
    gates, said = GATES[kind]
    slices = {"columns": ["hue"], "minimum_rows": 5}
    spec = write_spec(tmp_path, f"gate-{kind}", wine, gates=gates, slices=slices)
    done = house.training("train", "--json", "--promote", "never", spec)
    assert done.code == 3
    assert re.search(rf"gate-{kind}: the gate failed, run \w+\n  {said}", done.err)
    assert versions(house, f"gate-{kind}") == []
    assert not (house.bundles / f"gate-{kind}").exists()


@pytest.mark.slow
def test_a_failed_run_stays_visible_with_its_verdict(
    house: House, tmp_path: Path, wine: str
) -> None:
    gates = {"metrics": {"accuracy": {"min": 1.01}}}
    house.training("train", write_spec(tmp_path, "visible", wine, gates=gates))
    (run,) = runs(house, "visible")
    assert run.info.status == "FAILED"
    assert run.data.tags["swarmline.gate"] == "failed"
    assert run.data.metrics["held_out.accuracy"] < 1.01
    with house.client() as client:
        kept = client.download_artifacts(run.info.run_id, "gate.json")
    assert '"passed": false' in Path(kept).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failed_gate_is_in_the_document(house: House, tmp_path: Path, wine: str) -> None:
    good = write_spec(tmp_path, "good", wine)
    poor = write_spec(tmp_path, "poor", wine, gates={"metrics": {"accuracy": {"min": 1.01}}})
    done = house.training("train", "--json", poor, good)
    assert done.code == 3
    found = {outcome["model"]: outcome for outcome in done.document}
    assert (found["good"]["status"], found["poor"]["status"]) == ("trained", "failed")
    assert [gate["passed"] for gate in found["poor"]["gates"]] == [False, True]


def spoil_training_rows(spec: Spec, folder: Path) -> str:
    """The same rows on the held-out side, and wrong labels on the other."""
    rows = rows_of("wine")
    labels, train = rows["target"].to_numpy(copy=True), split(spec, rows).train
    labels[train] = np.roll(labels[train], len(train) // 3)
    rows.assign(target=labels).to_csv(folder / "spoiled.csv", index=False)
    return str(folder / "spoiled.csv")


@pytest.mark.slow
def test_worse_than_the_champion_fails_the_gate(house: House, tmp_path: Path, wine: str) -> None:
    by_chance = {"split": "random"}
    spec = write_spec(tmp_path, "worse", wine, data=by_chance)
    first = house.training("train", "--promote", "first", spec)
    assert first.code == 0, first.err
    gates = {"champion": {"accuracy": 0.01}}
    source = spoil_training_rows(load(spec), tmp_path)
    done = house.training(
        "train", write_spec(tmp_path, "worse", source, data=by_chance, gates=gates)
    )
    assert done.code == 3
    assert "accuracy no worse than the champion's by more than 0.01: value" in done.err
    with house.client() as client:
        assert registry.aliases(client, "worse") == {"champion": "1"}


@pytest.mark.slow
def test_a_gate_that_only_reports_registers_all_the_same(
    house: House, tmp_path: Path, wine: str
) -> None:
    gates = {"metrics": {"accuracy": {"min": 1.01}}}
    spec = write_spec(tmp_path, "reported", wine, gates=gates)
    done = house.training("train", "--json", "--gate", "report", spec)
    assert done.code == 0
    assert "--gate report: registered all the same" in done.err
    assert [gate["passed"] for gate in done.document[0]["gates"]] == [False, True]
    # What was let through once is no pass: the same training with its gates enforced fails.
    assert house.training("train", spec).code == 3


@pytest.mark.slow
def test_a_gate_for_later_ends_well_and_is_told_by_the_command_gate(
    house: House, tmp_path: Path, wine: str
) -> None:
    poor = write_spec(tmp_path, "later-poor", wine, gates={"metrics": {"accuracy": {"min": 1.01}}})
    good = write_spec(tmp_path, "later-good", wine)
    assert house.training("train", "--gate", "later", poor, good).code == 0
    assert versions(house, "later-poor") == []
    done = house.training("gate", poor, good)
    assert done.code == 3
    assert "FAIL  accuracy >= 1.01: value " in done.err and "later-good: version 1" in done.err
    assert house.training("gate", good).code == 0


@pytest.mark.slow
def test_a_gate_without_a_candidate_says_what_makes_one(
    house: House, tmp_path: Path, wine: str
) -> None:
    done = house.training("gate", write_spec(tmp_path, "untrained", wine))
    assert done.code == 1 and "untrained: no candidate here; `make train" in done.err


@pytest.mark.slow
def test_a_release_has_the_candidate_as_champion_and_promotion_follows_it(
    house: House, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "released", wine)
    house.training("train", "--promote", "first", spec)
    house.training("train", "--force", spec)
    assert house.training("export", "--json", spec).document == {
        "released": {"champion": "1", "challenger": "2"}
    }
    exported = house.training("export", "--json", "--release", spec)
    assert exported.document == {"released": {"champion": "2"}}
    for moved in (["1 -> 2"], []):
        done = house.training("promote", "--json", "--exported", "--why", "it serves", spec)
        assert [f"{one['replaced']} -> {one['version']}" for one in done.document] == moved


@pytest.mark.slow
def test_what_was_found_unchanged_still_tells_its_decisions(
    house: House, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "same", wine)
    first, again = (house.training("train", "--json", spec).document[0] for _ in range(2))
    assert again["status"] == "unchanged"
    assert (again["gates"], again["metrics"]) == (first["gates"], first["metrics"])


# Exit code 0


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_left_out(house: House, tmp_path: Path, wine: str, step: str) -> None:
    name = f"without-{step}"
    done = house.training("train", "--json", "--skip", step, write_spec(tmp_path, name, wine))
    assert done.code == 0, done.err
    (outcome,) = done.document
    registered = step not in ("export", "register")
    assert outcome["status"] == ("trained" if registered else "not registered")
    assert bool(outcome["metrics"]) == (step != "evaluate")
    assert bool(outcome["gates"]) == (step not in ("evaluate", "gate"))
    assert len(versions(house, name)) == registered


@pytest.mark.slow
def test_a_training_without_a_step_does_not_stand_for_a_whole_one(
    house: House, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "partly", wine)
    found = [
        house.training("train", "--json", *skip, spec).document[0]["status"]
        for skip in (["--skip", "gate"], ["--skip", "gate"], [])
    ]
    assert found == ["trained", "unchanged", "trained"]


@pytest.mark.slow
def test_rows_that_break_the_contract_are_left_out_when_validation_is_skipped(
    house: House, tmp_path: Path, wine: str
) -> None:
    columns = {**SMALL["columns"], "hue": {"type": "number", "minimum": 0, "maximum": 1}}
    spec = write_spec(tmp_path, "lenient", wine, columns=columns)
    done = house.training("train", "--skip", "validate", spec)
    assert done.code == 0, done.err
    (run,) = runs(house, "lenient")
    assert int(run.data.tags["swarmline.rows"]) == (rows_of("wine")["hue"] <= 1).sum()


# Ended in the middle


def interrupted(house: House, spec: Path, number: int) -> tuple[int, str]:
    """The exit code and the last words of a training that got a signal while it searched."""
    with house.started("train", spec) as process:
        wait_until(lambda: runs(house, spec.stem), "the run of the training")
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
    house: House, tmp_path: Path, wine: str, number: int, code: int
) -> None:
    name = f"ended-{number:d}"
    found, err = interrupted(house, write_spec(tmp_path, name, wine, search=LONG), number)
    assert found == code
    assert "Traceback" not in err
    # Who is killed cannot say so any more.
    assert [run.info.status for run in runs(house, name)] == [
        "RUNNING" if number == signal.SIGKILL else "FAILED"
    ]
    assert versions(house, name) == []
    assert not (house.bundles / name).exists()
    again = house.training("train", "--json", write_spec(tmp_path, name, wine))
    assert [outcome["status"] for outcome in again.document] == ["trained"]


@pytest.mark.slow
def test_of_two_trainings_at_once_one_finds_what_the_other_made(tmp_path: Path, wine: str) -> None:
    house, spec = House(tmp_path), write_spec(tmp_path, "twice", wine)
    given = ("train", "--json", spec)
    with house.started(*given) as first, house.started(*given) as second:
        said = [process.communicate(timeout=PATIENCE) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert sorted(json.loads(out)[0]["status"] for out, _ in said) == ["trained", "unchanged"]
    assert len(versions(house, "twice")) == 1
