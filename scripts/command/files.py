"""Where what is made goes, and how a file is written: whole or not at all, and a secret for its owner alone.

A variable that is empty is as one that is not set.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def build() -> Path:
    """Where everything that is made goes."""
    return Path(os.environ.get("SWARMLINE_BUILD") or "build")


def bundles() -> Path:
    """Where training exports to."""
    return Path(os.environ.get("SWARMLINE_BUNDLES") or build() / "bundles")


def reports() -> Path:
    """What a build publishes on its page."""
    return Path(os.environ.get("SWARMLINE_REPORTS") or build() / "reports")


def release(name: str) -> Path:
    """What is known of the release that was made last: release.json, image.json, sbom.cdx.json and so on."""
    return build() / "release" / name


def deploy_outcome() -> Path:
    """Where the outcome of what was brought in is kept, for Jenkins' report; SWARMLINE_OUTCOME names another file."""
    return release(Path(os.environ.get("SWARMLINE_OUTCOME") or "deploy.json").name)


def staging_outcome() -> Path:
    """Where it is kept what a release came to in staging: of its deploy there, and then of its proof."""
    return release("staging.json")


def changes() -> Path:
    """Where `make plan` leaves what the release changes, for the rest of the build."""
    return release("changes.json")


def secrets() -> Path:
    """What people need of the stack's secrets, for its owner alone."""
    return build() / "secrets"


def backups() -> Path:
    return build() / "backups"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def as_json(document: Any) -> str:
    return json.dumps(document, indent=1, default=str) + "\n"


def write_json(path: Path, document: Any) -> Path:
    return write(path, as_json(document))


def read_json(path: Path) -> dict[str, Any]:
    """Nothing where there is no such file."""
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def create_private(path: Path, replace: bool = True) -> IO[bytes]:
    """A file for its owner alone, from its first byte on. What was there is gone, or, without `replace`, an error."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if replace:
        path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def write_private(path: Path, content: bytes) -> Path:
    with create_private(path) as file:
        file.write(content)
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write to, which has the name `path` once it is done: half a file never has it."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
