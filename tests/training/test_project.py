"""`mlflow run training`: the targets of make, started by MLflow; nothing of a parameter is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from tests.support import ROOT
from tests.support.training import rows_of, write_spec

pytestmark = pytest.mark.slow

PROGRAM = """#!/bin/sh
printf '%s\\n' "$*" >>"$NOTED/ran"
env -0 >"$NOTED/env"
"""
HOSTILE = (
    """x'"; touch PLANTED; $(touch PLANTED) `touch PLANTED` $(shell touch PLANTED) {model} #"""
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with all of the code; its .venv is a program that notes what it was started with."""
    tree = tmp_path / "tree"
    for name in ("requirements", "training", "service", "tables", "scoring"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    (tree / ".venv/bin").mkdir(parents=True)
    (tree / ".venv/bin/python").write_text(PROGRAM, encoding="utf-8")
    (tree / ".venv/bin/python").chmod(0o755)
    (tree / ".venv/.ready").touch()
    return tree


def run(tree: Path, entry: str, **parameters: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlflow", "run", str(tree / "training"), "-e", entry]
    command += ["--env-manager", "local"]
    for name, value in parameters.items():
        command += ["-P", f"{name}={value}"]
    environment = {
        **os.environ,
        "NOTED": str(tree.parent),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tree.parent}/mlflow.db",
    }
    return subprocess.run(
        command, cwd=tree.parent, env=environment, text=True, capture_output=True, check=False
    )


def noted(tree: Path) -> dict[str, str]:
    text = (tree.parent / "env").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def test_a_parameter_arrives_as_it_was_given_and_runs_nothing(tree: Path) -> None:
    done = run(tree, "score", model=HOSTILE, source=HOSTILE, out="o.parquet", query="SELECT 1; --x")
    assert done.returncode == 0, done.stderr
    values = noted(tree)
    assert (values["MODEL"], values["SOURCE"], values["OUT"]) == (HOSTILE, HOSTILE, "o.parquet")
    assert (values["QUERY"], values["VERSION"]) == ("SELECT 1; --x", "champion")
    assert "MLFLOW_RUN_ID" not in values
    assert not list(tree.parent.rglob("PLANTED"))
    assert "-m scoring" in (tree.parent / "ran").read_text(encoding="utf-8")


def test_a_parameter_that_is_not_declared_is_no_option_of_make(tree: Path) -> None:
    done = run(tree, "train", model="wine", eval="$(shell touch PLANTED)")
    assert done.returncode != 0 and "given the parameter eval; allowed are those" in done.stderr
    assert not list(tree.parent.rglob("PLANTED")) and not (tree.parent / "ran").exists()


@pytest.mark.thorough
def test_mlflow_starts_a_training_for_real(tree: Path) -> None:
    shutil.rmtree(tree / ".venv")
    (tree / ".venv").symlink_to(sys.prefix)
    for spec in (tree / "training/models").glob("*.toml"):
        spec.unlink()
    rows_of("wine").to_csv(tree / "wine.csv", index=False)
    write_spec(tree / "training/models", "wine", "wine.csv")
    os.environ["MAKEFLAGS"] = "-o.venv/.ready"
    try:
        for entry in ("validate", "train"):
            done = run(tree, entry, model="wine")
            assert done.returncode == 0, done.stderr
    finally:
        del os.environ["MAKEFLAGS"]
    client = mlflow.MlflowClient(f"sqlite:///{tree.parent}/mlflow.db")
    assert str(client.get_model_version_by_alias("wine", "challenger").version) == "1"
