"""What a stack is set to: said in one file, by the environment, or before; and never lost by who deploys next."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.ledger import unrecorded
from scripts.stack_file import render, settings
from scripts.stack_file.render import StackInputs
from scripts.stack_file.settings import choose, parse
from tests.support.scripts.views import record, service, view


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.env").write_text(
        "# Shop.\n\nMODEL_REPLICAS=5\nDB_CONSTRAINT='node.labels.db == yes'\nBASE_IMAGE=r/python:3\n"
    )
    return tmp_path


def said(folder: Path, before: StackInputs | None = None, **environ: str) -> dict[str, str]:
    return dict(choose("shop", before, {"SWARMLINE_SETTINGS": str(folder), **environ}).values)


def deployed(folder: Path, **environ: str) -> StackInputs:
    """What is recorded of a deploy with these."""
    chosen = choose("shop", None, {"SWARMLINE_SETTINGS": str(folder), **environ})
    return render.collect("i", "", chosen.values)._replace(origins=chosen.origins)


def test_the_file_is_read_and_the_environment_goes_before_it(folder: Path):
    assert said(folder) == {"MODEL_REPLICAS": "5", "DB_CONSTRAINT": "node.labels.db == yes"}
    assert said(folder, MODEL_REPLICAS="7", EDGE_PORT="8443") == {
        "MODEL_REPLICAS": "7",
        "DB_CONSTRAINT": "node.labels.db == yes",
        "EDGE_PORT": "8443",
    }


def test_who_says_a_setting_is_recorded(folder: Path):
    origins = deployed(folder, EDGE_PORT="8443").origins
    assert (origins["EDGE_PORT"], origins["MODEL_REPLICAS"]) == (
        "the environment",
        str(folder / "shop.env"),
    )


def test_a_pipeline_keeps_what_was_set_by_hand_at_the_deploy_before(folder: Path):
    before = deployed(folder, EDGE_PORT="8443")
    assert said(folder, before)["EDGE_PORT"] == "8443"
    assert said(folder, before, EDGE_PORT="9443")["EDGE_PORT"] == "9443"
    assert "EDGE_PORT" not in said(folder, before, EDGE_PORT="default")


def test_a_release_that_was_recorded_before_there_were_files_keeps_all_of_its_settings(
    folder: Path,
):
    before = record(1, "aaaa").inputs._replace(variables={"MODEL_IMAGE": "i", "EDGE_PORT": "8443"})
    assert said(folder, before)["EDGE_PORT"] == "8443"


def test_a_line_that_leaves_the_file_is_set_no_more(folder: Path):
    before = deployed(folder)
    (folder / "shop.env").write_text("")
    assert said(folder, before) == {}


def test_what_a_deploy_without_us_was_set_to_is_kept_too(folder: Path):
    labels = {"swarmline.given": "EDGE_PORT=8443; MODEL_REPLICAS=; DB_CONSTRAINT=node.id == x"}
    inputs = unrecorded.settings(view(service(labels=labels)), "shop", None)
    (folder / "shop.env").write_text("")
    assert said(folder, inputs) == {"EDGE_PORT": "8443", "DB_CONSTRAINT": "node.id == x"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL_REPLICAS", "$(touch F)"),
        ("EDGE_PORT", "443; touch F"),
        ("EDGE_TLS", "maybe"),
        ("DB_IMAGE", "postgres:17 --privileged"),
        ("DB_CONSTRAINT", "node.id == a\nb"),
        ("MODEL_MEMORY", "much"),
        ("EDGE_READ_TIMEOUT", "10"),
        ("AUTH", "${HOME}"),
    ],
)
def test_a_value_of_another_kind_is_refused_wherever_it_comes_from(tmp_path, name: str, value: str):
    (tmp_path / "shop.env").write_text("")
    with pytest.raises(Refused, match=rf"{name} \(the environment\): .* is not "):
        said(tmp_path, **{name: value})
    with pytest.raises(Refused, match="f: line 1: "):
        parse(f"{name}='{value}'".replace("\n", " "), "f")


def test_all_that_is_wrong_in_a_file_is_said_at_once_with_what_is_near():
    with pytest.raises(Refused) as refused:
        parse("EDGE_PROT=1\nrubbish\nMODEL_CPUS=1\nMODEL_CPUS=2\nKEYS_SECRET=k\n", "a.env")
    words = str(refused.value)
    assert "a.env: line 1: EDGE_PROT: is no setting; EDGE_PORT is one" in words
    assert "line 2 is not NAME=value" in words and "line 4: MODEL_CPUS: stands there twice" in words
    assert "line 5: KEYS_SECRET: is no setting" in words


def test_every_default_of_the_stack_is_of_the_kind_that_is_allowed():
    text = "".join(render.all_files().values())
    lines = [line.replace("}", "") for line in text.split("${") if ":-" in line.split("}")[0]]
    pairs = [line.split('"')[0].split("\n")[0].split(",")[0].split(":-", 1) for line in lines]
    shown = {name: value.strip() for name, value in pairs if name in settings.names()}
    assert len(shown) > 50
    assert not {name: value for name, value in shown.items() if list(settings._wrong(name, value))}


@pytest.mark.parametrize("name", ["../x", "", "a/b", "$(id)", "x" * 64])
def test_a_stack_s_name_is_no_path(name: str):
    with pytest.raises(Refused, match="is no stack's name"):
        settings.place(name)


def test_a_folder_that_was_named_has_to_have_the_file(tmp_path: Path):
    with pytest.raises(Refused, match="SWARMLINE_SETTINGS names .* is not there"):
        said(tmp_path)


def test_images_are_built_on_what_the_stack_s_file_names(folder: Path):
    environ = {"SWARMLINE_SETTINGS": str(folder)}
    assert settings.outside("shop", "BASE_IMAGE", "usual", environ) == "r/python:3"
    assert settings.outside("shop", "BASE_IMAGE", "u", {**environ, "BASE_IMAGE": "own"}) == "own"
