"""What git knows of the files that go into an image."""

from __future__ import annotations

import re
import shutil
import subprocess  # nosec B404 # the git command is this module's whole purpose
from pathlib import Path
from typing import NamedTuple

from scripts.outcome import Refused


class Commit(NamedTuple):
    """The last commit that changed some paths; dirty where they have changed since."""

    name: str
    seconds: int
    dirty: bool


def files(root: Path, *paths: str) -> list[str]:
    """Those that git has or would take: what it is told to ignore (.env, caches) is none of them."""
    words = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
    return sorted({name for name in words.split("\0") if name and (root / name).is_file()})


def last_commit(root: Path, *paths: str) -> Commit:
    words = _git(root, "log", "-1", "--format=%H %ct", "--", *paths).split()
    if not words:
        raise Refused(f"{root}: git has no commit of {', '.join(paths)}; commit them first")
    dirty = bool(_git(root, "status", "--porcelain", "--", *paths).strip())
    return Commit(words[0], int(words[1]), dirty)


def origin(root: Path) -> str:
    """Where the code came from, without the name and password that some put in there; else empty."""
    try:
        address = _git(root, "config", "--get", "remote.origin.url").strip()
    except Refused:
        return ""
    match = re.fullmatch(r"(https?|ssh|git)://(?:[^/]*@)?(.+)", address)
    if match:
        # Of a password with a slash nobody knows where it ends.
        return "" if "@" in match[2] else f"{match[1]}://{match[2]}"
    # The short form of ssh; a path of this machine says nothing to others.
    return address if re.fullmatch(r"[\w.-]+@[\w.-]+:[^\\]+", address) else ""


def _git(root: Path, *arguments: str) -> str:
    command = shutil.which("git")
    if command is None:
        raise Refused(
            "there is no git command in PATH, and a release names its commit; install git"
        )
    done = subprocess.run(  # nosec B603
        [command, "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Refused(
            f"`git {arguments[0]}` failed in {root}: {said[-1] if said else 'no reason'};"
            " a release names its commit: build it in a clone"
        )
    return done.stdout
