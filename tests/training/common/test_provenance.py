"""The key of a training: what makes it another one."""

from pathlib import Path

import pytest

from tests.support.plants import SpecOf
from training.common.provenance import read_provenance
from training.common.run_key import run_key

PYPROJECT = """
[tool.swarmline.packages]
tables = []
service = []
training = ["service.bundle", "tables"]
"""
MODULES = (
    "training/__init__.py",
    "training/fit/__init__.py",
    "training/fit/search.py",
    "service/bundle/contract.py",
    "tables/csv_file.py",
)


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    """A small tree as the project's."""
    for name in (*MODULES, "service/app.py", "requirements/train.txt", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def key(spec_of: SpecOf, tree: Path) -> str:
    return run_key(spec_of(), "data", read_provenance(tree))


def test_the_same_again_has_the_same_key(spec_of: SpecOf, tree: Path) -> None:
    assert key(spec_of, tree) == key(spec_of, tree)


@pytest.mark.parametrize("changed", [*MODULES, "requirements/train.txt"])
def test_other_code_or_another_lock_is_another_key(
    spec_of: SpecOf, tree: Path, changed: str
) -> None:
    before = key(spec_of, tree)
    (tree / changed).write_text("two")
    assert key(spec_of, tree) != before


def test_a_module_in_another_folder_is_another_key(spec_of: SpecOf, tree: Path) -> None:
    before = key(spec_of, tree)
    (tree / "training/fit/search.py").rename(tree / "training/search.py")
    assert key(spec_of, tree) != before


def test_what_two_packages_hold_is_not_the_same_the_other_way_round(
    spec_of: SpecOf, tree: Path
) -> None:
    keys = []
    for outer, inner in (("a", "b"), ("b", "a")):
        (tree / "training/__init__.py").write_text(outer)
        (tree / "training/fit/__init__.py").write_text(inner)
        keys.append(key(spec_of, tree))
    assert keys[0] != keys[1]


def test_other_data_or_another_spec_is_another_key(spec_of: SpecOf, tree: Path) -> None:
    origin = read_provenance(tree)
    keys = {
        run_key(spec_of(), "data", origin),
        run_key(spec_of(), "other data", origin),
        run_key(spec_of(search={"seed": 9}), "data", origin),
    }
    assert len(keys) == 3


def test_how_a_model_is_watched_is_not_a_part_of_the_key(spec_of: SpecOf, tree: Path) -> None:
    origin = read_provenance(tree)
    watched = spec_of(monitor={"floor": 0.3, "floors": {"light": 0.2}, "window": "1h"})
    assert watched.monitor != spec_of().monitor
    assert run_key(watched, "data", origin) == run_key(spec_of(), "data", origin)


@pytest.mark.parametrize("changed", ["README.md", "service/app.py", "training/models/new.toml"])
def test_what_training_does_not_run_is_not_a_part_of_the_key(
    spec_of: SpecOf, tree: Path, changed: str
) -> None:
    before = key(spec_of, tree)
    (tree / changed).parent.mkdir(exist_ok=True)
    (tree / changed).write_text("two")
    assert key(spec_of, tree) == before


def test_a_tree_that_is_no_checkout_has_an_unknown_commit(tree: Path) -> None:
    origin = read_provenance(tree)
    assert origin.git_commit == "unknown"
    assert not origin.git_dirty
