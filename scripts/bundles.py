"""The bundles that go into an image: those that the aliases point at, each file as its manifest says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from scripts.outcome import Refused

ARMS = ("champion", "challenger")
MAKE = "`make train`, `make promote` and `make export` make them; `make run` does it all for the sample models"


class Bundle(NamedTuple):
    """One version of a model, and the part it plays."""

    model: str
    arm: str
    folder: Path
    manifest: dict[str, Any]
    sha256: str

    @property
    def version(self) -> str:
        return self.folder.name

    @property
    def files(self) -> list[Path]:
        """What the manifest vouches for, and the manifest; nothing else that lies there."""
        return [self.folder / name for name in sorted({"manifest.json", *self.manifest["files"]})]

    def describe(self) -> dict[str, str]:
        return {
            "version": self.version,
            "run_id": self.manifest["run_id"],
            "data_fingerprint": self.manifest["data_fingerprint"],
            "commit": self.manifest["git_commit"],
            "bundle": self.sha256,
        }


def find(root: Path) -> list[Bundle]:
    """All that a service would serve from here, by model and arm."""
    folders = sorted({path.parent.parent for path in root.glob("*/[!.]*/manifest.json")})
    if not folders:
        raise Refused(f"{root}: there is no bundle; {MAKE}")
    aliases = _json(root / "aliases.json") if (root / "aliases.json").is_file() else {}
    return [one for folder in folders for one in _arms(folder, aliases.get(folder.name, {}))]


def _arms(folder: Path, aliases: dict[str, str]) -> list[Bundle]:
    versions = sorted((path.parent.name for path in folder.glob("[!.]*/manifest.json")), key=_order)
    pointed = {"champion": versions[-1]} | aliases
    for arm, version in pointed.items():
        if arm not in ARMS or version not in versions:
            raise Refused(
                f"{folder}: aliases.json names {version} as {arm}; there are {', '.join(versions)},"
                f" as {' and '.join(ARMS)}; run `make export` again"
            )
    if pointed.get("challenger") == pointed["champion"]:
        del pointed["challenger"]
    return [_read(folder / pointed[arm], arm) for arm in ARMS if arm in pointed]


def _read(folder: Path, arm: str) -> Bundle:
    path = folder / "manifest.json"
    manifest = _json(path)
    bundle = Bundle(folder.parent.name, arm, folder, manifest, _sha256(path))
    try:
        place = (manifest["model"], manifest["version"])
        expected = dict(manifest["files"])
        bundle.describe()
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{path}: {error} is missing; run `make export` again") from error
    if place != (bundle.model, bundle.version):
        raise Refused(f"{path}: it is of {place[0]}, version {place[1]}; run `make export` again")
    for name, digest in expected.items():
        _hold(folder, name, digest)
    return bundle


def _hold(folder: Path, name: str, expected: str) -> None:
    file = folder / name
    if Path(name).name != name or not file.is_file():
        raise Refused(f"{folder}: the file {name} is missing; run `make export` again")
    if _sha256(file) != expected:
        raise Refused(f"{file}: it is not the file that was exported; run `make export` again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path}: it cannot be read ({error}); run `make export` again") from error


def _order(version: str) -> tuple[int, str]:
    return (int(version) if version.isdigit() else -1, version)
