"""How a release gets its name: the same for the same inputs, another for any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.scripts.checkout import BASE, aliases, bundle, commit, release, write


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
