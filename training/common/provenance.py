"""Where a model comes from: commit, lock, code and machine."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess  # nosec B404 # only git, with fixed arguments
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import training

ROOT = Path(training.__path__[0]).parent
LOCK = Path("requirements", "train.txt")


class Provenance(NamedTuple):
    git_commit: str
    git_dirty: bool
    lock: str
    code: str
    machine: str


@functools.cache
def provenance() -> Provenance:
    """This checkout's, read once a process."""
    return read_provenance(ROOT)


def read_provenance(root: Path) -> Provenance:
    return Provenance(
        git_commit=_git(root, "rev-parse", "HEAD") or "unknown",
        git_dirty=bool(_git(root, "status", "--porcelain")),
        lock=_hash(root, [root / LOCK]),
        code=_hash(root, _code(root)),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    )


def packages(root: Path) -> dict[str, list[str]]:
    """Our packages, and what each may import of ours besides itself."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, list[str]] = settings["tool"]["swarmline"]["packages"]
    return table


def _code(root: Path) -> list[Path]:
    """The modules that decide what a training makes: its own, and those of ours that it may import."""
    shared = packages(root)["training"]
    folders = [root.joinpath(*package.split(".")) for package in ("training", *shared)]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def _git(root: Path, *arguments: str) -> str:
    """What git says, or nothing where the tree is no checkout or git is missing."""
    try:
        done = subprocess.run(  # nosec B603 B607
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _hash(root: Path, paths: Iterable[Path]) -> str:
    """Of names within the tree and contents: a file that is moved counts, and two `__init__.py` are two."""
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(root).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
