"""Which file of a tree imports which, read from the source alone: nothing is executed."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT

#: Each package, and what it may import of ours besides itself.
PACKAGES: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "swarmline"
]["packages"]
OURS = (*PACKAGES, "tests")
#: Calls that import what their first argument says.
IMPORTERS = ("import_module", "__import__", "importorskip", "run_module")


class Import(NamedTuple):
    """`name` is dotted and as deep as the source says: `from a.b import c` is `a.b.c`."""

    file: Path
    line: int
    name: str


def python_files(root: Path) -> list[Path]:
    """Ours, relative to the root."""
    return sorted(
        path.relative_to(root) for package in OURS for path in (root / package).rglob("*.py")
    )


def imports_of(root: Path, file: Path) -> Iterator[Import]:
    """Every import in a file, wherever it stands: in functions, in conditions, for type checkers alone."""
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"), str(file))):
        for name in _names(node, file):
            yield Import(file, getattr(node, "lineno", 0), name)


def _names(node: ast.AST, file: Path) -> Iterable[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            start = file.parts[: len(file.parts) - level] if level else ()
            parent = ".".join((*start, *([module] if module else [])))
            return [f"{parent}.{alias.name}" if parent else alias.name for alias in names]
        case ast.Call(
            func=ast.Attribute(attr=called) | ast.Name(id=called),
            args=[ast.Constant(value=str() as name), *_],
        ) if (
            called in IMPORTERS
        ):
            return [name]
    return []


def files_behind(root: Path, name: str) -> Iterator[Path]:
    """The files of the tree that importing a dotted name executes."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        base = Path(*parts[:depth])
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if (root / file).is_file():
                yield file
