"""The key of a training: what makes it another one."""

from pathlib import Path

import pytest

from tests.training.conftest import SpecOf
from training.common import provenance


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small tree in the place of the project, read anew each time."""
    for folder in ("training/fit", "service/bundle", "requirements"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "training/fit/search.py").write_text("one")
    (tmp_path / "requirements" / "train.txt").write_text("numpy==1")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "LOCK", tmp_path / "requirements" / "train.txt")
    monkeypatch.setattr(provenance, "lineage", provenance.lineage.__wrapped__)
    return tmp_path


def test_the_same_again_has_the_same_key(spec_of: SpecOf, fresh: Path) -> None:
    assert fresh.is_dir()
    assert provenance.key(spec_of(), "data") == provenance.key(spec_of(), "data")


@pytest.mark.parametrize(
    "changed", ["training/fit/search.py", "requirements/train.txt", "service/bundle/contract.py"]
)
def test_other_code_or_another_lock_is_another_key(
    spec_of: SpecOf, fresh: Path, changed: str
) -> None:
    before = provenance.key(spec_of(), "data")
    (fresh / changed).write_text("two")
    assert provenance.key(spec_of(), "data") != before


def test_a_file_that_moves_to_another_folder_is_another_key(spec_of: SpecOf, fresh: Path) -> None:
    before = provenance.key(spec_of(), "data")
    (fresh / "training/fit/search.py").rename(fresh / "training/search.py")
    assert provenance.key(spec_of(), "data") != before


def test_other_data_or_another_spec_is_another_key(spec_of: SpecOf, fresh: Path) -> None:
    assert fresh.is_dir()
    keys = {
        provenance.key(spec_of(), "data"),
        provenance.key(spec_of(), "other data"),
        provenance.key(spec_of(search={"seed": 9}), "data"),
    }
    assert len(keys) == 3


def test_a_document_or_a_test_is_not_a_part_of_the_key(spec_of: SpecOf, fresh: Path) -> None:
    before = provenance.key(spec_of(), "data")
    (fresh / "README.md").write_text("new")
    (fresh / "service" / "app.py").write_text("new")
    assert provenance.key(spec_of(), "data") == before


def test_a_tree_that_is_no_checkout_has_an_unknown_commit(fresh: Path) -> None:
    assert fresh.is_dir()
    found = provenance.lineage()
    assert found.git_commit == "unknown"
    assert not found.git_dirty
