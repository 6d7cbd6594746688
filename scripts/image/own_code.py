"""Own code that a model's types are of: packages of the checkout, in an image only where who builds it trusts them."""

from __future__ import annotations

from pathlib import Path

from scripts.command import checkout
from scripts.command.outcome import Refused
from scripts.image import exported
from scripts.stack_file import settings


def files(root: Path, shipped: list[exported.Bundle]) -> tuple[str, ...]:
    """Those of the packages that are trusted, by their names in the checkout; Refused where a bundle needs another."""
    trusted = settings.trusted_packages()
    for bundle in shipped:
        for package in bundle.manifest.get("packages", []):
            where = f"{bundle.model}, version {bundle.version}"
            if package not in trusted:
                raise Refused(
                    f"{where} holds types of the package {package!r}, whose code would run in the service;"
                    f" TRUSTED_PACKAGES={package} if you trust it"
                )
            if not _files(root, package):
                raise Refused(f"{where} holds types of {package}, which {root} has not")
    return tuple(name for package in trusted for name in _files(root, package))


def _files(root: Path, package: str) -> list[str]:
    """All that git knows of it, since code may read tables of its own."""
    return checkout.files(root, f":(literal){package}", f":(literal){package}.py")
