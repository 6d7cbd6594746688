"""What no image can be built of, each said in a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from tests.support.scripts.checkout import aliases, bundle, release, write


def _no_bundles(root: Path) -> None:
    shutil.rmtree(root / "build/bundles")


def _changed(root: Path) -> None:
    write(root / "build/bundles/yield/3/model.onnx", "another")


def _gone(root: Path) -> None:
    (root / "build/bundles/yield/3/golden.json").unlink()


def _outside(root: Path) -> None:
    bundle(root, "yield", "3", files={"../../../../.env": "0"})


def _no_json(root: Path) -> None:
    write(root / "build/bundles/yield/3/manifest.json", "{")


def _no_field(root: Path) -> None:
    write(root / "build/bundles/yield/3/manifest.json", "{}")


def _another(root: Path) -> None:
    (root / "build/bundles/yield").rename(root / "build/bundles/quality")
    aliases(root, quality={"champion": "3"})


def _no_golden_rows(root: Path) -> None:
    bundle(root, "yield", "3", files={})


def _no_such_version(root: Path) -> None:
    aliases(root, **{"yield": {"champion": "3", "challenger": "7"}})


def _unexported(root: Path) -> None:
    bundle(root, "yield", "4")


def _no_aliases(root: Path) -> None:
    (root / "build/bundles/aliases.json").unlink()


def _no_repository(root: Path) -> None:
    shutil.rmtree(root / ".git")


def _no_lock(root: Path) -> None:
    (root / "requirements/serve.txt").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_bundles, "there is no bundle; `make train`"),
        (_changed, "model.onnx: it is not the file that was exported"),
        (_gone, "the file golden.json is missing"),
        (_outside, "the file ../../../../.env is missing"),
        (_no_json, "cannot be read"),
        (_no_field, "'model' is missing"),
        (_another, "it is of yield, version 3"),
        (_no_golden_rows, "vouches for no golden.json"),
        (_no_such_version, "aliases.json names yield/7, which is not there"),
        (_unexported, "no alias in aliases.json names yield/4"),
        (_no_aliases, "no alias in aliases.json names yield/3"),
        (_no_repository, "build it in a clone"),
        (_no_lock, "serve.txt is missing"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(
    root: Path, damage: Callable[[Path], None], words: str
):
    damage(root)
    with pytest.raises(Refused, match=words.replace("(", r"\(")):
        release(root)


def test_without_git_the_release_has_no_commit_and_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="no git command"):
        release(root)
