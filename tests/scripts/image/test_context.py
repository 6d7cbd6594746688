"""What goes into an image, and what stays out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.image import context
from tests.support.scripts.checkout import aliases, bundle, inputs, release, write


def staged(root: Path) -> dict[str, str]:
    folder = root / "build/image"
    context.stage(inputs(root), release(root), folder)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_the_context_has_code_bundles_lock_and_release_and_nothing_else(root: Path):
    built = staged(root)
    assert sorted(built) == [
        "Dockerfile",
        "bundles/aliases.json",
        "bundles/yield/3/card.html",
        "bundles/yield/3/golden.json",
        "bundles/yield/3/manifest.json",
        "bundles/yield/3/model.onnx",
        "release.json",
        "requirements.txt",
        "service/__main__.py",
        "service/openapi/pages/docs.css",
    ]
    assert json.loads(built["release.json"]) == release(root)
    assert json.loads(built["bundles/aliases.json"]) == {"yield": {"champion": "3"}}


@pytest.mark.parametrize(
    "name",
    [
        "service/.env",
        "service/keys",
        "service/key.pem",
        "service/.hidden/a.py",
        "service/__pycache__/a.pyc",
        "build/bundles/yield/3/.env",
        "build/bundles/yield/3/notes.txt",
        # Another floor is no other release: the manifest does not vouch for it.
        "build/bundles/yield/3/monitor.json",
        "build/bundles/yield/2/half.onnx",
        "build/trained/yield/4/model.onnx",
        ".env",
        "secrets.py",
    ],
)
def test_what_merely_lies_around_stays_out(root: Path, name: str):
    before = staged(root)
    write(root / name, "SECRET=1")
    after = staged(root)
    assert sorted(after) == sorted(before)
    assert not any("SECRET" in text for text in after.values())


def test_what_is_left_out_of_the_code_is_named(root: Path):
    write(root / "service/key.pem", "SECRET=1")
    assert inputs(root).left_out == ("service/key.pem",)


def test_a_context_that_was_staged_before_leaves_nothing_behind(root: Path):
    write(root / "build/image/bundles/old/1/model.onnx", "old")
    assert not any(name.startswith("bundles/old") for name in staged(root))


def test_modes_and_ages_are_the_same_whoever_stages(root: Path):
    (root / "service/__main__.py").chmod(0o600)
    staged(root)
    before = stats(root)
    os.utime(root / "service/__main__.py", (1, 1))
    staged(root)
    assert {fact[0] & 0o777 for fact in before.values()} == {0o755, 0o644}
    assert stats(root) == before


def test_a_file_with_other_content_of_the_same_length_has_another_age(root: Path):
    """Else BuildKit, which compares sizes and ages, builds with what it was sent before."""
    write(root / "service/__main__.py", "x = 1")
    staged(root)
    before = stats(root)["service/__main__.py"]
    write(root / "service/__main__.py", "x = 2")
    staged(root)
    assert stats(root)["service/__main__.py"] != before


def stats(root: Path) -> dict[str, tuple[int, float]]:
    folder = root / "build/image"
    built = {str(path.relative_to(folder)): path.stat() for path in folder.rglob("*")}
    return {name: (fact.st_mode, fact.st_mtime) for name, fact in built.items()}


def test_both_arms_are_shipped(root: Path):
    bundle(root, "yield", "10")
    aliases(root, **{"yield": {"champion": "3", "challenger": "10"}})
    built = staged(root)
    assert {name.split("/")[2] for name in built if name.startswith("bundles/yield")} == {"3", "10"}
    assert {arm: fact["version"] for arm, fact in release(root)["models"]["yield"].items()} == {
        "champion": "3",
        "challenger": "10",
    }


def test_a_bundle_for_scikit_learn_brings_it_along(root: Path):
    assert "skops" not in staged(root)["requirements.txt"]
    bundle(root, "slow", "1", engine="skops")
    aliases(root, **{"yield": {"champion": "3"}, "slow": {"champion": "1"}})
    assert "skops" in staged(root)["requirements.txt"]


def own(root: Path) -> None:
    """A model that holds types of own code."""
    write(root / "mypackage/models.py", "class Middle: ...\n")
    write(root / "mypackage/table.csv", "a\n")
    bundle(root, "mine", "1", engine="skops", packages=["mypackage"])
    aliases(root, **{"yield": {"champion": "3"}, "mine": {"champion": "1"}})


def test_own_code_that_is_trusted_is_in_the_image_and_in_its_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    own(root)
    monkeypatch.setenv("TRUSTED_PACKAGES", "mypackage, service")
    built = staged(root)
    assert {"own/mypackage/models.py", "own/mypackage/table.csv"} <= built.keys()
    before = release(root)["release"]
    write(root / "mypackage/models.py", "class Middle: size = 2\n")
    assert release(root)["release"] != before


@pytest.mark.parametrize(
    ("trusted", "reason"),
    [
        ("", "mine, version 1 holds types of the package 'mypackage'.*TRUSTED_PACKAGES=mypackage"),
        ("other", "holds types of the package 'mypackage'"),
        ("../mypackage", "is not names of packages"),
    ],
)
def test_own_code_that_is_not_trusted_ends_the_build(
    root: Path, monkeypatch: pytest.MonkeyPatch, trusted: str, reason: str
):
    own(root)
    monkeypatch.setenv("TRUSTED_PACKAGES", trusted)
    with pytest.raises(Refused, match=reason):
        inputs(root)


def test_own_code_that_is_not_here_is_named(root: Path, monkeypatch: pytest.MonkeyPatch):
    own(root)
    shutil.rmtree(root / "mypackage")
    monkeypatch.setenv("TRUSTED_PACKAGES", "mypackage")
    with pytest.raises(Refused, match="holds types of mypackage, which .* has not"):
        inputs(root)
