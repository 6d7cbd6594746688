"""Which tests does a change concern? Those of the same name, and those that import what changed, however far off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.support.imports import PACKAGES, importers, python_files


def concerned_tests(root: Path, changed: Iterable[Path]) -> list[Path]:
    """Test files, relative to the root, for changed files of any kind, given relative to the root."""
    changed = set(changed)
    reached = _reached(importers(root), _seeds(root, changed))
    conftests = {path.parent for path in reached if path.name == "conftest.py"}
    return [
        path
        for path in python_files(root)
        if path.name.startswith("test_")
        and (path in reached or conftests & set(path.parents) or _mirrors(path, changed))
    ]


def _seeds(root: Path, changed: set[Path]) -> set[Path]:
    """Python files stand for themselves; any other stands for the files that mention it."""
    python = {path for path in changed if path.suffix == ".py"}
    names = [word for path in changed - python for word in _words(path)]
    if not names:
        return python
    texts = {path: (root / path).read_text(encoding="utf-8") for path in python_files(root)}
    return python | {path for path, text in texts.items() if any(name in text for name in names)}


def _words(path: Path) -> list[str]:
    """How a file that is not Python is mentioned: by its name, or a model's spec by the model's name."""
    is_spec = path.parent == Path("training/models")
    return [path.name, path.stem] if is_spec else [path.name]


def _reached(graph: dict[Path, set[Path]], seeds: set[Path]) -> set[Path]:
    found, ahead = set(seeds), list(seeds)
    while ahead:
        new = graph.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


def _mirrors(test: Path, changed: set[Path]) -> bool:
    """tests/service/**/test_contract*.py are the tests of service/bundle/contract.py."""
    return any(
        test.parts[1] == path.parts[0] and test.stem.startswith(f"test_{path.stem}")
        for path in changed
        if path.parts[0] in PACKAGES
    )
