"""Versions and the champion, by the command line."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest

from service.bundle.exported import check_golden, load_models
from tests.training.house import House, rows_of, write_spec
from training.registry import versions

pytestmark = pytest.mark.slow


class Cellar(NamedTuple):
    """One model with two versions: the first was promoted, the second is challenger."""

    house: House
    spec: Path

    def training(self, command: str, *arguments: str) -> tuple[int, str, str]:
        return self.house.training(command, self.spec, *arguments)

    def promote(self, version: str, why: str = "a test") -> str:
        done = self.house.training(
            "promote", self.spec, "--version", version, "--by", "Ada", "--why", why
        )
        return done.out if done.code == 0 else done.err

    def champion_is(self, version: str) -> None:
        """Whatever the tests before did."""
        with self.house.client() as client:
            for alias in versions.aliases(client, "cellar"):
                client.delete_registered_model_alias("cellar", alias)
            client.set_registered_model_alias("cellar", "champion", version)


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Cellar:
    folder = tmp_path_factory.mktemp("cellar")
    rows_of("wine").to_csv(folder / "wine.csv", index=False)
    house, spec = House(folder), write_spec(folder, "cellar", str(folder / "wine.csv"))
    assert house.training("train", spec, "--promote", "the first").code == 0
    assert house.training("train", spec, "--force").code == 0
    return Cellar(house, spec)


def test_force_trains_again_and_measures_the_champion_on_the_same_rows(cellar: Cellar) -> None:
    with cellar.house.client() as client:
        second = versions.version(client, "cellar", "2")
        measured = client.get_run(second.run_id).data.metrics
    # The same model twice: measured on the same rows, they are equally good.
    for name in ("accuracy", "f1", "auc"):
        assert measured[f"champion.{name}"] == measured[f"held_out.{name}"]


def test_versions_are_compared_newest_first(cellar: Cellar) -> None:
    cellar.champion_is("1")
    (rows,) = cellar.house.training("compare", "--json", cellar.spec).document.values()
    assert [(row["version"], row["alias"]) for row in rows] == [("2", ""), ("1", "champion")]
    assert rows[0]["metrics"] == rows[1]["metrics"]
    assert rows[0]["tags"]["swarmline.engine"] == "onnx"


def test_history_says_who_and_why_newest_first(cellar: Cellar) -> None:
    cellar.champion_is("1")
    # Faster than a clock that shows seconds can tell apart.
    for version, why in (("2", "better"), ("1", "worse on Mondays"), ("2", "Monday is over")):
        assert f"-> {version}" in cellar.promote(version, why)
    found = cellar.house.training("history", "--json", cellar.spec).document[:3]
    assert [(one["replaced"], one["version"], one["by"], one["why"]) for one in found] == [
        ("1", "2", "Ada", "Monday is over"),
        ("2", "1", "Ada", "worse on Mondays"),
        ("1", "2", "Ada", "better"),
    ]


def test_the_challenger_that_is_promoted_is_challenger_no_more(cellar: Cellar) -> None:
    cellar.champion_is("1")
    with cellar.house.client() as client:
        client.set_registered_model_alias("cellar", "challenger", "2")
        cellar.promote("challenger")
        assert versions.aliases(client, "cellar") == {"champion": "2"}


def test_a_champion_is_not_promoted_twice(cellar: Cellar) -> None:
    cellar.champion_is("1")
    assert cellar.promote("1") == "error: cellar: version 1 is the champion already\n"


@pytest.mark.parametrize("unknown", ["9", "challenger", "two"])
def test_an_unknown_version_is_told_with_what_there_is(cellar: Cellar, unknown: str) -> None:
    cellar.champion_is("1")
    said = cellar.promote(unknown)
    assert said == f"error: cellar: given version '{unknown}'; allowed: champion, 2, 1\n"


def test_models_without_a_challenger_are_passed_over_if_asked(cellar: Cellar) -> None:
    cellar.champion_is("1")
    done = cellar.house.training("promote", "--json", "--if-any", "--why", "all", cellar.spec)
    assert (done.code, done.document) == (0, [])


def test_a_model_without_a_version_cannot_be_exported(cellar: Cellar, tmp_path: Path) -> None:
    done = cellar.house.training("export", write_spec(tmp_path, "untrained", "wine.csv"))
    assert done.code == 1
    assert "untrained: has neither champion nor challenger; `make train` makes one" in done.err


def test_a_damaged_bundle_is_fetched_again(cellar: Cellar) -> None:
    cellar.champion_is("1")
    cellar.training("export")
    for place in (cellar.house.trained, cellar.house.bundles):
        (place / "cellar" / "1" / "model.onnx").write_bytes(b"rust")
    assert cellar.training("export")[0] == 0
    assert check_golden(load_models(cellar.house.bundles)["cellar"].champion) == []


def test_a_bundle_folder_that_is_gone_is_fetched_anew(cellar: Cellar) -> None:
    cellar.champion_is("1")
    shutil.rmtree(cellar.house.trained)
    shutil.rmtree(cellar.house.bundles)
    assert cellar.training("export")[0] == 0
    assert load_models(cellar.house.bundles)["cellar"].champion.manifest.version == "1"


def test_a_version_that_was_not_completed_is_not_seen(cellar: Cellar) -> None:
    cellar.champion_is("1")
    with cellar.house.client() as client:
        whole = versions.version(client, "cellar", "1")
        torn = client.create_model_version("cellar", "models:/cellar/1", whole.run_id)
        try:
            assert torn.version not in [one.number for one in versions.versions(client, "cellar")]
            assert f"given version '{torn.version}'" in cellar.promote(str(torn.version))
        finally:
            client.delete_model_version("cellar", torn.version)


@pytest.mark.parametrize("step", ["log_artifacts", "set_model_version_tag"])
def test_a_training_that_ends_while_it_registers_leaves_nothing_to_serve(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    spec = write_spec(tmp_path, f"torn-{step.replace('_', '-')}", cellar.spec.with_name("wine.csv"))
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, stop)
        assert cellar.house.training("train", spec).code == 130
    with cellar.house.client() as client:
        assert versions.versions(client, spec.stem) == []
    assert not list((cellar.house.trained / spec.stem).glob("[!.]*"))
    assert cellar.house.training("train", "--json", spec).document[0]["status"] == "trained"


def test_the_card_of_a_version_is_written_to_the_reports(cellar: Cellar) -> None:
    done = cellar.house.training("card", "--json", "cellar", "2")
    page = Path(done.document["card"]).read_text(encoding="utf-8")
    assert "<title>cellar" in page and "version 2" in page
