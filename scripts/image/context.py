"""What an image is built from: staged in a folder of its own, and described as a release.

The release's name comes from the content alone, so the same inputs are the same release.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command import checkout, files
from scripts.command.outcome import Refused
from scripts.engine import images
from scripts.engine.images import Base
from scripts.image import exported

#: Kinds of files that the service is made of; what else lies beside them stays out of images.
SUFFIXES = (".py", ".sql", ".html", ".css", ".js")
LOCKS = {False: "requirements/serve.txt", True: "requirements/skops.txt"}
DOCKERFILE = "service/Dockerfile"
Document = dict[str, Any]


class ImageInputs(NamedTuple):
    """All that decides what is in an image."""

    root: Path
    code: tuple[str, ...]
    lock: str
    shipped: list[exported.Bundle]
    left_out: tuple[str, ...] = ()


def gather(root: Path, bundle_root: Path) -> ImageInputs:
    shipped = exported.find(bundle_root)
    lock = LOCKS[any(bundle.manifest.get("engine") == "skops" for bundle in shipped)]
    names = set(checkout.files(root, "service")) - {DOCKERFILE}
    code = {name for name in names if name.endswith(SUFFIXES) and "/." not in name}
    for name in (DOCKERFILE, lock):
        if not (root / name).is_file():
            raise Refused(f"{root / name} is missing; build from a complete checkout")
    return ImageInputs(root, tuple(sorted(code)), lock, shipped, tuple(sorted(names - code)))


def describe(inputs: ImageInputs, base: Base) -> Document:
    """The release: its name is the day of its newest part and a hash of all that follows."""
    paths = ("service", inputs.lock)
    commit = checkout.last_commit(inputs.root, *paths)
    models: dict[str, dict[str, Any]] = {}
    for bundle in inputs.shipped:
        models.setdefault(bundle.model, {})[bundle.arm] = bundle.describe()
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
    for bundle in shipped:
        text = str(bundle.manifest.get("created", ""))
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise Refused(
                f"{bundle.folder}: manifest.json was created {text!r}, which is no time; export again"
            ) from error
        times.append(time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC))
    return max(times).replace(microsecond=0)


def _hash(root: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(names):
        content = (root / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def stage(inputs: ImageInputs, document: Document, folder: Path) -> None:
    """Code, lock and bundles, with the aliases of just these bundles and the release's document."""
    root = inputs.root
    contents = {name: (root / name).read_bytes() for name in inputs.code}
    contents["Dockerfile"] = (root / DOCKERFILE).read_bytes()
    contents["requirements.txt"] = (root / inputs.lock).read_bytes()
    aliases: dict[str, dict[str, str]] = {}
    for bundle in inputs.shipped:
        aliases.setdefault(bundle.model, {})[bundle.arm] = bundle.version
        place = f"bundles/{bundle.model}/{bundle.version}"
        contents |= {f"{place}/{file.name}": file.read_bytes() for file in bundle.files}
    contents["bundles/aliases.json"] = json.dumps(aliases, indent=1).encode()
    contents["release.json"] = files.as_json(document).encode()
    images.stage(folder, contents)
