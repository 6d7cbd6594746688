"""Versions and the champion, by the command line."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest

from service.bundle.exported import check_golden, load_models
from tests.support.training import Workspace, write_spec
from tests.training.conftest import Registered
from training.registry import versions

pytestmark = pytest.mark.slow


class Cellar(NamedTuple):
    """One model with two versions: the first was promoted, the second is challenger."""

    workspace: Workspace
    spec: Path

    def training(self, command: str, *arguments: str) -> tuple[int, str, str]:
        return self.workspace.training(command, self.spec, *arguments)

    def promote(self, version: str, why: str = "a test") -> str:
        done = self.workspace.training(
            "promote", self.spec, "--version", version, "--by", "Ada", "--why", why
        )
        return done.out if done.code == 0 else done.err

    def champion_is(self, version: str) -> None:
        """Whatever the tests before did."""
        with self.workspace.client() as client:
            for alias in versions.aliases(client, "fern"):
                client.delete_registered_model_alias("fern", alias)
            client.set_registered_model_alias("fern", "champion", version)


@pytest.fixture
def cellar(registered: Registered, tmp_path: Path) -> Cellar:
    return Cellar(registered.workspace(tmp_path), registered.specs["fern"])


def test_force_trains_again_and_measures_the_champion_on_the_same_rows(cellar: Cellar) -> None:
    with cellar.workspace.client() as client:
        second = versions.find(client, "fern", "2")
        measured = client.get_run(second.run_id).data.metrics
    # The same model twice: measured on the same rows, they are equally good.
    for name in ("accuracy", "f1", "auc"):
        assert measured[f"champion.{name}"] == measured[f"held_out.{name}"]


def test_versions_are_compared_newest_first(cellar: Cellar) -> None:
    cellar.champion_is("1")
    (rows,) = cellar.workspace.training("compare", "--json", cellar.spec).document.values()
    assert [(row["version"], row["alias"]) for row in rows] == [("2", ""), ("1", "champion")]
    assert rows[0]["metrics"] == rows[1]["metrics"]
    assert rows[0]["tags"]["swarmline.engine"] == "onnx"


def test_history_says_who_and_why_newest_first(cellar: Cellar) -> None:
    cellar.champion_is("1")
    # Faster than a clock that shows seconds can tell apart.
    for version, why in (("2", "better"), ("1", "worse on Mondays"), ("2", "Monday is over")):
        assert f"-> {version}" in cellar.promote(version, why)
    moves = cellar.workspace.training("history", "--json", cellar.spec).document[:3]
    assert [(each["replaced"], each["version"], each["by"], each["why"]) for each in moves] == [
        ("1", "2", "Ada", "Monday is over"),
        ("2", "1", "Ada", "worse on Mondays"),
        ("1", "2", "Ada", "better"),
    ]


def test_the_challenger_that_is_promoted_is_challenger_no_more(cellar: Cellar) -> None:
    cellar.champion_is("1")
    with cellar.workspace.client() as client:
        client.set_registered_model_alias("fern", "challenger", "2")
        cellar.promote("challenger")
        assert versions.aliases(client, "fern") == {"champion": "2"}


def test_a_champion_is_not_promoted_twice(cellar: Cellar) -> None:
    cellar.champion_is("1")
    assert cellar.promote("1") == "error: fern: version 1 is the champion already\n"


@pytest.mark.parametrize("unknown", ["9", "challenger", "two"])
def test_an_unknown_version_is_told_with_what_there_is(cellar: Cellar, unknown: str) -> None:
    cellar.champion_is("1")
    said = cellar.promote(unknown)
    assert said == f"error: fern: given version '{unknown}'; allowed: champion, 2, 1\n"


def test_models_without_a_challenger_are_passed_over_if_asked(cellar: Cellar) -> None:
    cellar.champion_is("1")
    done = cellar.workspace.training("promote", "--json", "--if-any", "--why", "all", cellar.spec)
    assert (done.code, done.document) == (0, [])


def test_a_damaged_bundle_is_fetched_again(cellar: Cellar) -> None:
    cellar.champion_is("1")
    cellar.training("export")
    for place in (cellar.workspace.trained, cellar.workspace.bundles):
        (place / "fern" / "1" / "model.onnx").write_bytes(b"rust")
    assert cellar.training("export")[0] == 0
    assert check_golden(load_models(cellar.workspace.bundles)["fern"].champion) == []


def test_a_bundle_folder_that_is_gone_is_fetched_anew(cellar: Cellar) -> None:
    cellar.champion_is("1")
    cellar.training("export")
    shutil.rmtree(cellar.workspace.trained)
    shutil.rmtree(cellar.workspace.bundles)
    assert cellar.training("export")[0] == 0
    assert load_models(cellar.workspace.bundles)["fern"].champion.manifest.version == "1"


def test_a_version_that_was_not_completed_is_not_seen(cellar: Cellar) -> None:
    cellar.champion_is("1")
    with cellar.workspace.client() as client:
        whole = versions.find(client, "fern", "1")
        torn = client.create_model_version("fern", "models:/fern/1", whole.run_id)
        try:
            assert torn.version not in [
                each.number for each in versions.newest_first(client, "fern")
            ]
            assert f"given version '{torn.version}'" in cellar.promote(str(torn.version))
        finally:
            client.delete_model_version("fern", torn.version)


@pytest.mark.parametrize("step", ["log_artifacts", "set_model_version_tag"])
def test_a_training_that_ends_while_it_registers_leaves_nothing_to_serve(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wine: str, step: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    spec = write_spec(tmp_path, f"torn-{step.replace('_', '-')}", wine)
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, stop)
        assert cellar.workspace.training("train", spec).code == 130
    with cellar.workspace.client() as client:
        assert versions.newest_first(client, spec.stem) == []
    assert not list((cellar.workspace.trained / spec.stem).glob("[!.]*"))
    assert cellar.workspace.training("train", "--json", spec).document[0]["status"] == "trained"


def test_the_card_of_a_version_is_written_to_the_reports(cellar: Cellar) -> None:
    done = cellar.workspace.training("card", "--json", "fern", "2")
    page = Path(done.document["card"]).read_text(encoding="utf-8")
    assert "<title>fern" in page and "version 2" in page
