"""The files of this checkout that a package needs: its own, and the modules of others that it imports, however far."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from scripts.command import checkout

#: What modules read beside them.
BESIDE = (".sql", ".html", ".css", ".js")


def needed_by(root: Path, package: str, packages: Iterable[str]) -> list[str]:
    """`packages` are those in which imports are followed; a package that is imported from brings its __init__.py."""
    checkout_files = set(checkout.files(root, package, *packages))
    own = {name for name in checkout_files if name.startswith(f"{package}/")}
    modules = {name for name in own if name.endswith(".py")}
    waiting = sorted(modules)
    while waiting:
        imported = set(_files(root / waiting.pop(), checkout_files)) - modules
        modules |= imported
        waiting += sorted(imported)
    with_code = {PurePosixPath(name).parent for name in checkout_files if name.endswith(".py")}
    folders = {PurePosixPath(name).parent for name in modules}
    beside = {
        name
        for name in checkout_files
        if name.endswith(BESIDE) and _room(PurePosixPath(name), with_code) in folders
    }
    return sorted(own | modules | beside)


def _room(file: PurePosixPath, with_code: set[PurePosixPath]) -> PurePosixPath | None:
    """The nearest folder above the file that has code in it."""
    return next((folder for folder in file.parents if folder in with_code), None)


def _files(module: Path, checkout_files: set[str]) -> Iterator[str]:
    for name in _imports(ast.parse(module.read_text(encoding="utf-8"))):
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            yield from {f"{path}.py", f"{path}/__init__.py"} & checkout_files


def _imports(tree: ast.AST) -> Iterator[str]:
    """What is imported of a module may be a module, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
