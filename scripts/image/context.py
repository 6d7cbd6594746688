"""What an image is built from: gathered from the checkout and the exported set, and staged in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command import checkout, files
from scripts.command.outcome import Refused
from scripts.engine import images
from scripts.image import exported
from scripts.stack_file import settings

#: Kinds of files that the service is made of; what else lies beside them stays out of images.
SUFFIXES = (".py", ".sql", ".html", ".css", ".js")
LOCKS = {False: "requirements/serve.txt", True: "requirements/skops.txt"}
DOCKERFILE = "service/Dockerfile"


class ImageInputs(NamedTuple):
    """All that decides what is in an image."""

    root: Path
    code: tuple[str, ...]
    lock: str
    shipped: list[exported.Bundle]
    left_out: tuple[str, ...] = ()
    #: Own code that models hold types of.
    own_code: tuple[str, ...] = ()


def gather(root: Path, bundle_root: Path) -> ImageInputs:
    shipped = exported.find(bundle_root)
    lock = LOCKS[any(bundle.manifest.get("engine") == "skops" for bundle in shipped)]
    names = set(checkout.files(root, "service")) - {DOCKERFILE}
    code = {name for name in names if name.endswith(SUFFIXES) and "/." not in name}
    for name in (DOCKERFILE, lock):
        if not (root / name).is_file():
            raise Refused(f"{root / name} is missing; build from a complete checkout")
    own = _trusted_code(root, shipped)
    return ImageInputs(root, tuple(sorted(code)), lock, shipped, tuple(sorted(names - code)), own)


def _trusted_code(root: Path, shipped: list[exported.Bundle]) -> tuple[str, ...]:
    """Files of the packages that are trusted, since models hold types of them; Refused where a bundle needs another."""
    trusted = settings.trusted_packages()
    for bundle in shipped:
        for package in bundle.manifest.get("packages", []):
            where = f"{bundle.model}, version {bundle.version}"
            if package not in trusted:
                raise Refused(
                    f"{where} holds types of the package {package!r}, whose code would run in the service;"
                    f" TRUSTED_PACKAGES={package} if you trust it"
                )
            if not _package(root, package):
                raise Refused(f"{where} holds types of {package}, which {root} has not")
    return tuple(name for package in trusted for name in _package(root, package))


def _package(root: Path, package: str) -> list[str]:
    """All that git knows of it, since code may read tables of its own."""
    return checkout.files(root, f":(literal){package}", f":(literal){package}.py")


def stage(inputs: ImageInputs, document: Mapping[str, Any], folder: Path) -> None:
    """Code, lock and bundles, with the aliases of just these bundles and the release's document."""
    root = inputs.root
    contents = {name: (root / name).read_bytes() for name in inputs.code}
    contents |= {f"own/{name}": (root / name).read_bytes() for name in inputs.own_code}
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
