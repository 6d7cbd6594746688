"""What the command line says and how it ends, for whatever may go wrong."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.training import SMALL, Workspace, impatient, write_spec

#: Each with what is said of it; tests/tables/test_source.py has the others.
BROKEN = {
    "header.csv": (b"alcohol,flavanoids,hue,proline,target\n", "has no rows"),
    "quoted.csv": (
        b'alcohol,flavanoids,hue,proline,target\n13,2,1,900,"class_0\n12,2,1,900,class_1\n',
        "line 2: a quote is opened here and never closed",
    ),
    "torn.parquet": (b"PAR1 and then nothing", "cannot be read"),
}


def test_an_unknown_model_is_told_with_the_known_ones(workspace: Workspace) -> None:
    done = workspace.training("train", "nonsense")
    assert done.code == 1
    assert "nonsense.toml: cannot be read" in done.err
    assert "yield-prediction" in done.err


def test_every_mistake_of_a_spec_is_told_at_once(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "bad", wine, search={"candidates": ["oracle"], "budget": 0})
    done = workspace.training("train", "--json", spec)
    assert (done.code, done.out) == (1, "")
    assert re.search(
        r"bad\.toml: search\.candidates: given 'oracle'; allowed: .*'linear'", done.err
    )
    assert "bad.toml: search.budget: given 0; allowed: a whole number above 0" in done.err


@pytest.mark.parametrize("wrong", [["--skip", "thinking"], ["--gate", "maybe"], ["--nonsense"]])
def test_a_wrong_use_ends_with_one(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        workspace.training("train", *wrong)
    assert ended.value.code == 1
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("file", BROKEN)
def test_a_source_that_cannot_be_used_is_named(
    workspace: Workspace, tmp_path: Path, file: str
) -> None:
    content, said = BROKEN[file]
    (tmp_path / file).write_bytes(content)
    done = workspace.training("train", write_spec(tmp_path, "broken", str(tmp_path / file)))
    assert done.code == 1
    assert f"{file}: " in done.err and said in done.err
    assert workspace.runs("broken") == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("absent-*.parquet", "absent-*.parquet: no such file in"),
        ("sample:moon", "sample 'moon' is not known; allowed: farm"),
    ],
)
def test_a_source_that_is_not_there_is_named(
    workspace: Workspace, tmp_path: Path, source: str, said: str
) -> None:
    done = workspace.training("train", write_spec(tmp_path, "absent", source))
    assert done.code == 1
    assert said in done.err


def test_a_file_that_may_not_be_read_is_named(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    done = workspace.training("train", write_spec(tmp_path, "folder", str(tmp_path / "folder.csv")))
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
    workspace: Workspace, tmp_path: Path, query: str, said: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")):
        spec = write_spec(tmp_path, "query", f"sqlite:///{tmp_path}/some.db", data={"query": query})
        done = workspace.training("train", spec)
    assert done.code == 1
    assert said in done.err and query in done.err


def test_a_dead_database_is_named_without_its_password(
    workspace: Workspace, tmp_path: Path
) -> None:
    url = "postgresql+psycopg://reader:${WAREHOUSE_PASSWORD}@127.0.0.1:9/shop"
    spec = write_spec(tmp_path, "dead", url, data={"query": "SELECT 1"})
    done = workspace.training("train", spec, WAREHOUSE_PASSWORD="hunter2")
    assert done.code == 1
    assert "127.0.0.1" in done.err and "refused" in done.err
    assert "hunter2" not in done.err


def test_a_database_of_mlflow_that_is_none_is_named(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = workspace.training(
        "train", write_spec(tmp_path, "garbage", wine), MLFLOW_TRACKING_URI=uri
    )
    assert done.code == 1
    assert f"MLflow at {uri}" in done.err and "file is not a database" in done.err


def test_a_cluster_that_does_not_answer_is_named(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    spec = write_spec(tmp_path, "clusterless", wine)
    with impatient():
        done = workspace.training("train", spec, "--cluster", "tcp://127.0.0.1:9")
    assert done.code == 1
    assert "--cluster tcp://127.0.0.1:9: no Dask scheduler answers there" in done.err
    assert [run.info.status for run in workspace.runs("clusterless")] == ["FAILED"]


def test_data_that_break_the_contract_end_with_two(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    columns = {**SMALL["columns"], "hue": {"type": "number", "minimum": 0, "maximum": 1}}
    done = workspace.training(
        "train", "--json", write_spec(tmp_path, "ranges", wine, columns=columns)
    )
    assert done.code == 2
    assert re.search(r"hue: is not a finite number from 0 to 1 \(\d+ rows\)", done.err)
    assert workspace.versions("ranges") == []


def test_validate_alone_says_where_its_reports_are(
    workspace: Workspace, tmp_path: Path, wine: str
) -> None:
    columns = {**SMALL["columns"], "colour": {"type": "category", "categories": ["red"]}}
    done = workspace.training(
        "validate", "--json", write_spec(tmp_path, "missing", wine, columns=columns)
    )
    assert done.code == 2
    (document,) = done.document
    assert (document["model"], document["ok"]) == ("missing", False)
    assert all(Path(path).is_file() for path in document["reports"].values())
