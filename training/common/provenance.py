"""Where a model comes from: commit, lock, code, machine; and the key that makes a training once and no more."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess  # nosec B404 # only git, with fixed arguments
from pathlib import Path
from typing import NamedTuple

import msgspec

from training.spec.values import Spec

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "train.txt"
#: The packages whose code decides what a training makes.
CODE = ("training", "service/bundle")


class Lineage(NamedTuple):
    git_commit: str
    git_dirty: bool
    lock: str
    code: str
    machine: str


@functools.cache
def lineage() -> Lineage:
    return Lineage(
        git_commit=_git("rev-parse", "HEAD") or "unknown",
        git_dirty=bool(_git("status", "--porcelain")),
        lock=_hash([LOCK]),
        code=_hash([path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    )


def _git(*arguments: str) -> str:
    """What git says, or nothing where the tree is no checkout or git is missing."""
    try:
        done = subprocess.run(  # nosec B603 B607
            ["git", "-C", str(ROOT), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _hash(paths: list[Path]) -> str:
    """Of names within the tree and contents: a file that is moved counts, and two `__init__.py` are two."""
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def key(spec: Spec, fingerprint: str) -> str:
    """The same spec, data, code and lock give the same model, so training it again is a waste."""
    found = lineage()
    parts = (
        msgspec.json.encode(spec, order="deterministic"),
        fingerprint.encode(),
        found.code.encode(),
        found.lock.encode(),
    )
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def derived(key_of_objective: str) -> str:
    """The fingerprint of data that are made from a model: another version of it makes others."""
    return hashlib.sha256(key_of_objective.encode()).hexdigest()
