"""What goes into an image, and how a release gets its name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.image import context
from tests.support.scripts.checkout import (
    BASE,
    aliases,
    bundle,
    checkout,
    commit,
    inputs,
    release,
    write,
)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return checkout(tmp_path / "here")


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


def test_the_same_inputs_are_the_same_release_wherever_they_lie(root: Path, tmp_path: Path):
    there = tmp_path / "there"
    shutil.copytree(root, there)
    assert release(there) == release(root)


def test_a_release_is_named_by_the_day_of_its_newest_part(root: Path):
    built = release(root)
    assert built["created"] == "2030-01-02T03:04:05+00:00"
    assert built["release"].startswith("20300102-")


def _line(root: Path) -> None:
    write(root / "service/__main__.py", "print('serves better')\n")


def _dockerfile(root: Path) -> None:
    write(root / "service/Dockerfile", "FROM base\nUSER 1\n")


def _lock(root: Path) -> None:
    write(root / "requirements/serve.txt", "flask==3.1.4\n")


def _model(root: Path) -> None:
    bundle(root, "yield", "3", run_id="r2")


def _version(root: Path) -> None:
    (root / "build/bundles/yield/3").rename(root / "build/aside")
    bundle(root, "yield", "4")
    aliases(root, **{"yield": {"champion": "4"}})


def _alias(root: Path) -> None:
    bundle(root, "yield", "4")
    aliases(root, **{"yield": {"champion": "3", "challenger": "4"}})


@pytest.mark.parametrize("change", [_line, _dockerfile, _lock, _model, _version, _alias])
def test_any_other_input_is_another_release(root: Path, change: Callable[[Path], None]):
    before = release(root)
    change(root)
    assert release(root)["release"] != before["release"]


def test_another_base_is_another_release(root: Path):
    newer = BASE._replace(identity="sha256:1")
    assert release(root, newer)["release"] != release(root)["release"]


def test_a_commit_elsewhere_is_the_same_release(root: Path):
    before = release(root)
    write(root / "README.md", "words")
    commit(root)
    assert release(root) == before


def test_what_is_not_committed_is_said_to_be_dirty(root: Path):
    assert not release(root)["dirty"]
    _line(root)
    assert release(root)["dirty"]
    commit(root)
    assert not release(root)["dirty"]


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
