"""The exported set, as it goes into an image and is asked of a service: each file as its manifest says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command.files import sha256
from scripts.command.outcome import Refused

ARMS = ("champion", "challenger")
ALIASES = "aliases.json"


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
        gates = self.manifest.get("gates", [])
        return {
            "version": self.version,
            "run_id": self.manifest["run_id"],
            "data_fingerprint": self.manifest["data_fingerprint"],
            "commit": self.manifest["git_commit"],
            "bundle": self.sha256,
            "gates": f"{sum(gate['passed'] for gate in gates)} of {len(gates)} passed",
            "trained_by": self.manifest.get("trained_by", ""),
            "trained_at": self.manifest.get("created", ""),
        }


def find(root: Path) -> list[Bundle]:
    """All that a service would serve from here, by model and arm, each held against its manifest."""
    aliases = exported(root)
    return [
        _read(root / model / aliases[model][arm], arm)
        for model in sorted(aliases)
        for arm in ARMS
        if arm in aliases[model]
    ]


def exported(root: Path) -> dict[str, dict[str, str]]:
    """Of each model the version that is champion, and the challenger; a Refused where others lie here.

    Nothing stands in for an alias: what nobody promoted is not served. `service/bundle/exported.py` reads the same set,
    by the same rules, which a test holds both to.
    """
    folders = [path.parent for path in root.glob("[!.]*/[!.]*/manifest.json")]
    there = {f"{folder.parent.name}/{folder.name}" for folder in folders}
    aliases = _aliases(root / ALIASES) if (root / ALIASES).is_file() else {}
    named = {f"{model}/{version}" for model, arms in aliases.items() for version in arms.values()}
    if not there | named:
        raise Refused(
            f"{root}: there is no bundle; `make train`, `make promote` and `make export` make them,"
            " `make run` does it all for the sample models"
        )
    if there - named:
        raise Refused(
            f"{root}: no alias in {ALIASES} names {', '.join(sorted(there - named))}, so nobody promoted it;"
            " `make export` writes what somebody did"
        )
    if named - there:
        raise Refused(
            f"{root}: {ALIASES} names {', '.join(sorted(named - there))}, which is not there;"
            " `make export` brings it"
        )
    return aliases


def _aliases(path: Path) -> dict[str, dict[str, str]]:
    aliases: dict[str, dict[str, str]] = _json(path)
    models = aliases.values() if isinstance(aliases, dict) else [None]
    if not all(isinstance(arms, dict) and _are_text(arms.values()) for arms in models):
        raise Refused(
            f"{path}: it cannot be read as models and their aliases; run `make export` again"
        )
    for model, arms in aliases.items():
        if "champion" not in arms or not arms.keys() <= {*ARMS}:
            raise Refused(
                f"{path}: {model} has {' and '.join(arms) or 'no alias'}; it needs a champion, and may have"
                " a challenger; `make promote` makes one, `make export` writes it here"
            )
        if arms.get("challenger") == arms["champion"]:
            del arms["challenger"]
    return aliases


def _are_text(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _read(folder: Path, arm: str) -> Bundle:
    path = folder / "manifest.json"
    manifest = _json(path)
    bundle = Bundle(folder.parent.name, arm, folder, manifest, sha256(path))
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
    if "golden.json" not in expected:
        raise Refused(f"{path}: it vouches for no golden.json; run `make export` again")
    return bundle


def _hold(folder: Path, name: str, expected: str) -> None:
    file = folder / name
    if Path(name).name != name or not file.is_file():
        raise Refused(f"{folder}: the file {name} is missing; run `make export` again")
    if sha256(file) != expected:
        raise Refused(f"{file}: it is not the file that was exported; run `make export` again")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path}: it cannot be read ({error}); run `make export` again") from error
