"""Which stack is the staging of which: by the files of settings alone, and never in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command import environments
from scripts.command.environments import Staging, production_of, staging_of
from scripts.command.outcome import Refused


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWARMLINE_SETTINGS", str(tmp_path))
    (tmp_path / "shop.env").write_text("MODEL_CPUS=1\nSTAGING='trial'\n", encoding="utf-8")
    (tmp_path / "trial.env").write_text("EDGE_PORT=8443\n", encoding="utf-8")
    return tmp_path


def test_the_file_of_production_names_its_staging(folder: Path):
    assert (staging_of("shop"), production_of("trial")) == (Staging("trial"), "shop")
    assert staging_of("trial") is None and production_of("shop") == ""
    assert staging_of("other") is None and production_of("other") == ""


@pytest.mark.parametrize("text", ["# STAGING=trial\n", "STAGING=default\n", "STAGING=\n", ""])
def test_without_the_setting_there_is_none(folder: Path, text: str):
    (folder / "shop.env").write_text(text, encoding="utf-8")
    assert staging_of("shop") is None and production_of("trial") == ""


def test_a_variable_of_the_environment_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("STAGING", "default")
    assert staging_of("shop") == Staging("trial")


def test_keys_of_staging_have_a_folder_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SWARMLINE_BUILD", "b")
    assert environments.secrets_folder("trial") == Path("b/secrets/trial")
    assert environments.secrets_folder("shop") == Path("b/secrets")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"shop": "STAGING=shop"}, "a stack cannot be its own staging"),
        ({"trial": "STAGING=dev"}, "trial has a STAGING of its own"),
        ({"bar": "STAGING=trial"}, "trial is the staging of another stack already"),
        ({"shop": "STAGING=../trial"}, "is no stack's name"),
        ({"shop": "STAGING=$(id)"}, "is no stack's name"),
        (
            {"shop": "STAGING=trial\nSTAGING_DOCKER_HOST=;id"},
            "STAGING_DOCKER_HOST is no address of an engine",
        ),
    ],
)
def test_what_cannot_be_is_refused_wherever_it_is_asked(
    folder: Path, files: dict[str, str], why: str
):
    for name, text in files.items():
        (folder / f"{name}.env").write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(Refused, match=why):
        staging_of("shop")
    with pytest.raises(Refused, match=why):
        environments.check(folder)
