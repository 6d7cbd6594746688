"""A second `make run` finds out without MLflow that nothing is to do, and asks MLflow as soon as something may be."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from service.bundle.monitor_rules import read_monitor_rules
from tests.support import ROOT
from tests.support.training import Workspace, rows_of, write_spec
from training.commands import settled
from training.registry import promotion
from training.spec.load import load

pytestmark = pytest.mark.slow

RUN = "import sys; from training.__main__ import main; print(main(sys.argv[1:]), 'mlflow' in sys.modules)"


class Shed(NamedTuple):
    """A model that was trained, promoted and exported."""

    workspace: Workspace
    spec: Path

    def run(self) -> None:
        done = self.workspace.training("train", self.spec, "--promote", "as make run")
        assert done.code == 0, done.err

    def settled(self, whole: bool = False) -> bool:
        with self.workspace.set({}):
            return bool(settled.outcomes([load(self.spec)], whole))


@pytest.fixture
def shed(shed_once: Shed) -> Shed:
    rows_of("wine").to_csv(shed_once.spec.with_name("wine.csv"), index=False)
    shed_once.run()
    assert shed_once.settled()
    return shed_once


@pytest.fixture(scope="module")
def shed_once(tmp_path_factory: pytest.TempPathFactory) -> Shed:
    folder = tmp_path_factory.mktemp("shed")
    return Shed(Workspace(folder), write_spec(folder, "shed", folder / "wine.csv"))


def test_nothing_is_to_do_and_mlflow_is_not_even_imported(shed: Shed) -> None:
    command = [sys.executable, "-c", RUN, "train", str(shed.spec), "--promote", "again"]
    environ = shed.workspace.environment | {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0 False\n", done.stderr
    assert "shed: unchanged, version 1" in done.stderr


def test_other_data_are_trained_on(shed: Shed) -> None:
    rows_of("wine")[5:].to_csv(shed.spec.with_name("wine.csv"), index=False)
    assert not shed.settled()


def test_what_was_decided_in_mlflow_since_is_heeded(shed: Shed) -> None:
    with shed.workspace.client() as client:
        promotion.history(client, "shed")
        assert shed.settled()
        client.set_registered_model_alias("shed", "best", "1")
    assert not shed.settled()


def test_another_floor_is_exported_and_trains_nothing(shed: Shed) -> None:
    text = shed.spec.read_text(encoding="utf-8")
    try:
        shed.spec.write_text(f"{text}\n[monitor]\nfloor = 0.2\n", encoding="utf-8")
        assert not shed.settled()
        shed.run()
        assert shed.settled() and len(shed.workspace.versions("shed")) == 1
        assert read_monitor_rules(shed.workspace.bundles / "shed/1").floor == 0.2
    finally:
        shed.spec.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("lost", ["bundles/shed/1/golden.json", "reports/shed/training.json"])
def test_what_is_lost_is_made_again(shed: Shed, lost: str) -> None:
    (shed.workspace.folder / "build" / lost).unlink()
    assert not shed.settled()


def test_a_set_of_more_models_than_there_are_specs_is_exported_anew(shed: Shed) -> None:
    assert shed.settled(whole=True)
    aliases = shed.workspace.bundles / "aliases.json"
    shutil.copytree(shed.workspace.bundles / "shed", shed.workspace.bundles / "other")
    aliases.write_text('{"shed": {"champion": "1"}, "other": {"champion": "1"}}', encoding="utf-8")
    assert not shed.settled(whole=True)
