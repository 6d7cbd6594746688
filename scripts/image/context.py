"""What an image is built from: staged in a folder of its own, and described as a release.

The release's name comes from the content alone, so the same inputs are the same release.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command import checkout
from scripts.command.outcome import Refused
from scripts.image import exported

#: Kinds of files that the service is made of; what else lies beside them stays out of images.
SUFFIXES = (".py", ".sql", ".html", ".css", ".js")
#: 1980, as in the Dockerfile, which makes all files of that age; staged ones are of the 30 years from then.
AGE, AGES = 315532800, 30 * 365 * 86400
LOCKS = {False: "requirements/serve.txt", True: "requirements/skops.txt"}
DOCKERFILE = "service/Dockerfile"
Document = dict[str, Any]


class Base(NamedTuple):
    """The image to build on. `identity` tells two images of one name apart."""

    name: str
    identity: str


class Inputs(NamedTuple):
    """All that decides what is in an image."""

    root: Path
    code: tuple[str, ...]
    lock: str
    shipped: list[exported.Bundle]
    left_out: tuple[str, ...] = ()


def gather(root: Path, bundle_root: Path) -> Inputs:
    shipped = exported.find(bundle_root)
    lock = LOCKS[any(one.manifest.get("engine") == "skops" for one in shipped)]
    found = set(checkout.files(root, "service")) - {DOCKERFILE}
    code = {name for name in found if name.endswith(SUFFIXES) and "/." not in name}
    for name in (DOCKERFILE, lock):
        if not (root / name).is_file():
            raise Refused(f"{root / name} is missing; build from a complete checkout")
    return Inputs(root, tuple(sorted(code)), lock, shipped, tuple(sorted(found - code)))


def describe(inputs: Inputs, base: Base) -> Document:
    """The release: its name is the day of its newest part and a hash of all that follows."""
    paths = ("service", inputs.lock)
    commit = checkout.last_commit(inputs.root, *paths)
    models: dict[str, dict[str, Any]] = {}
    for one in inputs.shipped:
        models.setdefault(one.model, {})[one.arm] = one.describe()
    document: Document = {
        "created": _newest(commit.seconds, inputs.shipped).isoformat(),
        "commit": commit.name,
        "dirty": commit.dirty,
        "code": _hash(inputs.root, [*inputs.code, DOCKERFILE]),
        "lock": _hash(inputs.root, [inputs.lock]),
        "base": base.name,
        "base_layers": base.identity,
        "models": models,
    }
    content = json.dumps(document, sort_keys=True).encode()
    day = document["created"][:10].replace("-", "")
    return {"release": f"{day}-{hashlib.sha256(content).hexdigest()[:10]}", **document}


def _newest(seconds: int, shipped: Iterable[exported.Bundle]) -> datetime:
    """Not the time of the build: that would make each one another release."""
    times = [datetime.fromtimestamp(seconds, UTC)]
    for one in shipped:
        text = str(one.manifest.get("created", ""))
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise Refused(
                f"{one.folder}: manifest.json was created {text!r}, which is no time; export again"
            ) from error
        times.append(time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC))
    return max(times).replace(microsecond=0)


def _hash(root: Path, names: Iterable[str]) -> str:
    found = hashlib.sha256()
    for name in sorted(names):
        content = (root / name).read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def stage(inputs: Inputs, document: Document, folder: Path) -> None:
    """The build context, from nothing: only what is listed here can get into an image."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in inputs.code:
        _put(folder / name, (inputs.root / name).read_bytes())
    _put(folder / "Dockerfile", (inputs.root / DOCKERFILE).read_bytes())
    _put(folder / "requirements.txt", (inputs.root / inputs.lock).read_bytes())
    aliases: dict[str, dict[str, str]] = {}
    for one in inputs.shipped:
        aliases.setdefault(one.model, {})[one.arm] = one.version
        for file in one.files:
            _put(folder / "bundles" / one.model / one.version / file.name, file.read_bytes())
    _put(folder / "bundles" / "aliases.json", json.dumps(aliases, indent=1).encode())
    _put(folder / "release.json", pretty(document))
    even(folder)


def even(folder: Path) -> None:
    """The same modes and ages, whatever the umask and the clock of who stages.

    A file's age comes from its content: BuildKit takes one of the same size and age for one that it has already.
    """
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        age = AGE if path.is_dir() else AGE + zlib.crc32(path.read_bytes()) % AGES
        os.utime(path, (age, age))


def pretty(document: Document) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
