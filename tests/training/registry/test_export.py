"""The exported set: only what somebody promoted gets into it, and the service reads nothing else."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.image import exported
from service.bundle.exported import load_models
from service.bundle.manifest import NoBundles, NotExported
from service.bundle.monitor_rules import RULES_ARTIFACT, read_monitor_rules
from tests.support.processes import Done
from tests.support.training import Workspace
from tests.training.conftest import Registered
from training.commands import arguments
from training.registry import promotion, versions

pytestmark = pytest.mark.slow


class Farm(NamedTuple):
    """Version 1 of `fern` is champion and version 2 challenger; of `moss`, version 1 is champion."""

    workspace: Workspace
    specs: dict[str, Path]

    def export(self, *models: str) -> Done:
        return self.workspace.training("export", *(self.specs[model] for model in models))

    def served(self) -> dict[str, list[str]]:
        return {
            model: [arm.manifest.version for arm in arms if arm is not None]
            for model, arms in load_models(self.workspace.bundles).items()
        }


@pytest.fixture
def farm(registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """Everything is exported, and these are all specs that there are."""
    farm = Farm(registered.workspace(tmp_path), registered.specs)
    every_spec_is(monkeypatch, farm, "fern", "moss")
    with farm.workspace.client() as client:
        client.set_registered_model_alias("fern", "champion", "1")
        client.set_registered_model_alias("fern", "challenger", "2")
        promotion.clear_rejection(client, versions.find(client, "fern", "2"))
    done = farm.export()
    assert done.code == 0, done.err
    return farm


def every_spec_is(monkeypatch: pytest.MonkeyPatch, farm: Farm, *models: str) -> None:
    monkeypatch.setattr(arguments, "names", lambda: [str(farm.specs[model]) for model in models])


def test_an_export_of_one_model_leaves_the_others_as_they_are(farm: Farm) -> None:
    done = farm.export("moss")
    assert farm.served() == {"fern": ["1", "2"], "moss": ["1"]}
    assert "as exported before: fern" in done.err


def with_floor(spec: Path, folder: Path, floor: float) -> Path:
    """The same model's spec with a section about its monitor."""
    text = f"{spec.read_text(encoding='utf-8')}\n[monitor]\nfloor = {floor}\n"
    (folder / spec.name).write_text(text, encoding="utf-8")
    return folder / spec.name


def test_an_export_brings_the_rules_of_the_monitor_here_and_to_mlflow(
    farm: Farm, tmp_path: Path
) -> None:
    """Another floor trains nothing: both arms have it with the next export, and the image does not notice."""
    before = [bundle.sha256 for bundle in exported.find(farm.workspace.bundles)]
    spec = with_floor(farm.specs["fern"], tmp_path, 0.25)
    trained = farm.workspace.training("train", spec)
    assert trained.code == 0 and "fern: unchanged" in trained.err
    assert farm.workspace.training("export", spec).code == 0
    for number in ("1", "2"):
        assert read_monitor_rules(farm.workspace.bundles / "fern" / number).floor == 0.25
        with farm.workspace.client() as client:
            run_id = versions.find(client, "fern", number).run_id
            logged = Path(client.download_artifacts(run_id, RULES_ARTIFACT, str(tmp_path)))
        assert read_monitor_rules(logged.parent).floor == 0.25
    assert read_monitor_rules(farm.workspace.bundles / "moss/1").floor == 0.1
    assert [bundle.sha256 for bundle in exported.find(farm.workspace.bundles)] == before


def test_the_rules_of_models_that_are_not_exported_now_stay(farm: Farm, tmp_path: Path) -> None:
    spec = with_floor(farm.specs["moss"], tmp_path, 0.4)
    assert farm.workspace.training("export", spec).code == 0
    assert farm.export("fern").code == 0
    assert read_monitor_rules(farm.workspace.bundles / "moss/1").floor == 0.4
    assert farm.export("moss").code == 0
    assert read_monitor_rules(farm.workspace.bundles / "moss/1").floor == 0.1


def test_a_run_of_one_model_leaves_the_others_as_they_are(farm: Farm) -> None:
    done = farm.workspace.training(
        "train", farm.specs["moss"], "--promote", "as make run MODEL=moss"
    )
    assert done.code == 0 and farm.served() == {"fern": ["1", "2"], "moss": ["1"]}


def test_what_was_only_trained_is_not_served(
    farm: Farm, registered: Registered, tmp_path: Path
) -> None:
    elsewhere = registered.workspace(tmp_path / "elsewhere")
    assert elsewhere.training("train", farm.specs["moss"]).code == 0
    assert (elsewhere.trained / "moss/1/manifest.json").is_file()
    with pytest.raises(NoBundles):
        load_models(elsewhere.bundles)


def test_a_challenger_alone_is_left_out(farm: Farm) -> None:
    with farm.workspace.client() as client:
        client.delete_registered_model_alias("fern", "champion")
    done = farm.export()
    assert done.code == 0 and farm.served() == {"moss": ["1"]}
    assert (
        "left out: fern has no champion, and nobody promoted version 2; `make promote" in done.err
    )
    assert farm.export("fern").code == 1


def test_a_spec_without_a_version_is_named_and_the_others_are_exported(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_spec_is(monkeypatch, farm, "fern", "new", "moss")
    done = farm.export()
    assert done.code == 0 and farm.served() == {"fern": ["1", "2"], "moss": ["1"]}
    assert "left out: new has neither champion nor challenger; `make train`" in done.err


def test_where_nothing_can_be_exported_what_was_stays(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_spec_is(monkeypatch, farm, "new")
    done = farm.export()
    assert done.code == 1 and "new: has neither champion nor challenger" in done.err
    assert farm.served() == {"fern": ["1", "2"], "moss": ["1"]}


def test_a_model_whose_spec_is_gone_is_removed(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    every_spec_is(monkeypatch, farm, "fern")
    done = farm.export()
    assert farm.served() == {"fern": ["1", "2"]}
    assert "removed: moss 1, since there is no spec of it any more" in done.err


def test_a_version_whose_alias_is_gone_is_removed(farm: Farm) -> None:
    with farm.workspace.client() as client:
        client.delete_registered_model_alias("fern", "challenger")
    done = farm.export("fern")
    assert farm.served() == {"fern": ["1"], "moss": ["1"]}
    assert "removed: fern 2, since no alias names it" in done.err


def test_aliases_of_other_names_are_none_of_ours(farm: Farm) -> None:
    with farm.workspace.client() as client:
        client.set_registered_model_alias("moss", "best", "1")
        farm.export()
        client.delete_registered_model_alias("moss", "best")
    assert farm.served() == {"fern": ["1", "2"], "moss": ["1"]}


def test_a_folder_of_bundles_of_all_kinds_is_mended_by_an_export(farm: Farm) -> None:
    """As earlier versions of this project left it: trained and exported in one place."""
    root = farm.workspace.bundles
    shutil.copytree(root / "fern/2", root / "fern/3")
    (root / "aliases.json").write_text(json.dumps({"moss": {"champion": "1"}}), encoding="utf-8")
    with pytest.raises(NotExported, match=r"names fern/1, fern/2, fern/3, .* `make export` writes"):
        load_models(root)
    assert farm.export().code == 0
    assert farm.served() == {"fern": ["1", "2"], "moss": ["1"]}


def test_a_damaged_bundle_is_not_carried_over(farm: Farm) -> None:
    (farm.workspace.bundles / "fern/1/golden.json").write_bytes(b"{}")
    done = farm.export("moss")
    assert done.code == 1 and "golden.json is not the file that was exported" in done.err
    assert "without MODEL, it writes all models anew" in done.err
    assert farm.export().code == 0


def test_a_place_that_cannot_be_written_to_is_named(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file/bundles"
    done = farm.workspace.training("export", farm.specs["moss"], SWARMLINE_BUNDLES=str(place))
    assert done.code == 1 and f"{place} cannot be written anew (Not a directory)" in done.err


def test_scripts_see_what_the_service_serves(farm: Farm) -> None:
    bundles = [
        (bundle.model, bundle.version, bundle.arm)
        for bundle in exported.find(farm.workspace.bundles)
    ]
    assert bundles == [
        ("fern", "1", "champion"),
        ("fern", "2", "challenger"),
        ("moss", "1", "champion"),
    ]


def test_local_copies_of_versions_without_an_alias_are_removed_and_come_back(farm: Farm) -> None:
    copies = farm.workspace.folder / "build/trained/fern"
    with farm.workspace.client() as client:
        client.delete_registered_model_alias("fern", "challenger")
        farm.export()
        assert sorted(path.name for path in copies.iterdir()) == ["1"]
        versions.fetch(client, versions.find(client, "fern", "2"))
    assert sorted(path.name for path in copies.iterdir()) == ["1", "2"]
