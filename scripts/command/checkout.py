"""This checkout: its root, its files, and what git tells of them."""

from __future__ import annotations

import re
import shutil
import subprocess  # nosec B404 # the git command is this module's whole purpose
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts.command.outcome import Refused

ROOT = Path(__file__).parents[2]
COMMIT = re.compile(r"[0-9a-f]{7,64}")
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
#: A build after a long quiet tells so many commits' authors, and not a whole history's.
MOST_COMMITTERS = 100
#: What a person reads of before saying yes.
MOST_COMMITS, LONGEST_LINE = 10, 120


class Commit(NamedTuple):
    """The last commit that changed some paths; dirty where they have changed since."""

    name: str
    seconds: int
    dirty: bool

    @property
    def stated(self) -> str:
        return self.name + ("-dirty" if self.dirty else "")

    @property
    def time(self) -> str:
        """An image is as old as what it is built from, so that the same one has the same bill of materials."""
        return datetime.fromtimestamp(self.seconds, UTC).isoformat()


def content(path: str) -> bytes:
    """Of a file of this checkout."""
    try:
        return (ROOT / path).read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); work in a checkout") from error


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


def changed_since(root: Path, commit: str) -> list[str] | None:
    """The files that differ between a commit and this one; None where the commit is not known here."""
    if not (COMMIT.fullmatch(commit) and _is_known(root, commit)):
        return None
    return _git(root, "diff", "--name-only", commit, "HEAD", "--").splitlines()


def committers(root: Path, since: str) -> list[str]:
    """The addresses of who wrote the commits after `since`; of the last commit, where that is none known here."""
    if not COMMIT.fullmatch(since) or not _is_known(root, since):
        commits = ["-1", "HEAD"]
    else:
        commits = [f"--max-count={MOST_COMMITTERS}", f"{since}..HEAD"]
    authors = dict.fromkeys(_git(root, "log", "--format=%ae", *commits, "--").split("\n"))
    # A commit's address is whatever its author wrote: only what can be one goes into a mail's head.
    return [
        address for address in authors if ADDRESS.fullmatch(address) and not _is_nobody(address)
    ]


def commits_between(root: Path, old: str, new: str, *paths: str) -> list[str] | None:
    """Name, author and subject of each commit of the paths, the newest first; None where either is not known here."""
    if not all(COMMIT.fullmatch(commit) and _is_known(root, commit) for commit in (old, new)):
        return None
    lines = _git(root, "log", "--format=%h %s (%an)", f"{old}..{new}", "--", *paths).splitlines()
    more = [f"and {len(lines) - MOST_COMMITS} more"] if len(lines) > MOST_COMMITS else []
    return [line[:LONGEST_LINE] for line in lines[:MOST_COMMITS]] + more


def _is_known(root: Path, commit: str) -> bool:
    try:
        _git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    except Refused:
        return False
    return True


def _is_nobody(address: str) -> bool:
    """Addresses that hosting services put in for who hides theirs: a mail to them comes back."""
    return "noreply" in address or address.endswith(("@localhost", ".local", ".localdomain"))


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
