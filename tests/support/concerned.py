"""The tests that a change concerns: those of the same name, and those that import what changed, however far off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.support.imports import PACKAGES
from tests.support.known import Tree


def concerned_tests(root: Path, changed: Iterable[Path]) -> list[Path]:
    """Test files, relative to the root, for changed files of any kind, given relative to the root."""
    tree, changed = Tree(root), set(changed)
    python = {path for path in changed if path.suffix == ".py"}
    words = [word for path in changed - python for word in _words(path)]
    # A file that is not Python stands for those that mention it.
    seeds = python | set(tree.mentioning(words))
    return [test for test in tree.tests() if seeds & tree.imported(test) or _mirrors(test, changed)]


def _words(path: Path) -> list[str]:
    """How a file that is not Python is mentioned: by its name, or a model's spec by the model's name."""
    is_spec = path.parent == Path("training/models")
    return [path.name, path.stem] if is_spec else [path.name]


def _mirrors(test: Path, changed: set[Path]) -> bool:
    """tests/service/**/test_contract*.py are the tests of service/bundle/contract.py."""
    return any(
        test.parts[1] == path.parts[0] and test.stem.startswith(f"test_{path.stem}")
        for path in changed
        if path.parts[0] in PACKAGES
    )
