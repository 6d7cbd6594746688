"""Bundles: `<root>/<model>/<version>/`, all that the service needs for one version, and nothing it need not trust.

BundleError
├── DamagedBundle     a file is missing, changed or not readable as what it should be
└── NoBundles         a folder has no bundle at all
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from service.contract import Contract, Task
from service.encoder import Encoder
from service.engines import Answer, Engine, EngineName, MODEL_FILES, UntrustedModel, open_engine

T = TypeVar("T")

MANIFEST = "manifest.json"
ALIASES = "aliases.json"


class BundleError(ValueError):
    """Each message names the folder, what is wrong with it, and what to do."""


class DamagedBundle(BundleError):
    pass


class NoBundles(BundleError):
    pass


class Metric(msgspec.Struct, frozen=True):
    """A metric on held-out rows, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Decision(msgspec.Struct, frozen=True):
    """One gate rule and its verdict."""

    rule: str
    value: float | None
    bound: float | None
    passed: bool
    reason: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    version: str
    run_id: str
    task: Task
    engine: EngineName
    classes: tuple[str, ...] = ()
    metrics: dict[str, Metric]
    gates: tuple[Decision, ...]
    git_commit: str
    data_fingerprint: str
    key: str
    created: str
    files: dict[str, str]
    schema: int = 1


class Golden(msgspec.Struct, frozen=True):
    """Inputs as callers send them, and what must come out within `tolerance` (relative to 1 or the value)."""

    rows: list[dict[str, Any]]
    predictions: list[Any]
    probabilities: list[list[float]] | None = None
    tolerance: float = 1e-4


class Bundle(NamedTuple):
    folder: Path
    manifest: Manifest
    contract: Contract
    golden: Golden
    encoder: Encoder
    engine: Engine

    def predict(self, matrix: np.ndarray[Any, Any]) -> Answer:
        return self.engine.predict(matrix)

    def reference(self) -> dict[str, Any]:
        """What drift compares with; read when asked for, since serving needs none of it."""
        found: dict[str, Any] = msgspec.json.decode((self.folder / "reference.json").read_bytes())
        return found


class Arms(NamedTuple):
    """What one model serves with: the versions that the aliases point at."""

    champion: Bundle
    challenger: Bundle | None = None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder whose every file is as the manifest says."""
    manifest = _decode(folder / MANIFEST, Manifest)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise DamagedBundle(f"{folder}: {name} is missing; export the bundle again")
        if sha256(path) != expected:
            raise DamagedBundle(
                f"{folder}: {name} is not the file that was exported; export the bundle again"
            )
    needed = {MODEL_FILES[manifest.engine], "contract.json", "reference.json", "golden.json"}
    if not needed <= manifest.files.keys():
        missing = ", ".join(sorted(needed - manifest.files.keys()))
        raise DamagedBundle(
            f"{folder}: {MANIFEST} vouches for no {missing}; export the bundle again"
        )
    return manifest


def load_bundle(folder: Path) -> Bundle:
    manifest = read_manifest(folder)
    contract = _decode(folder / "contract.json", Contract)
    golden = _decode(folder / "golden.json", Golden)
    _check_identity(folder, manifest, contract)
    try:
        engine = open_engine(manifest.engine, folder)
    except UntrustedModel as error:
        raise DamagedBundle(f"{error}; export the bundle again") from error
    return Bundle(folder, manifest, contract, golden, Encoder(contract), engine)


def _check_identity(folder: Path, manifest: Manifest, contract: Contract) -> None:
    """Headers, metrics and the journal each take the name from another of these places."""
    names = (manifest.model, manifest.classes, manifest.task)
    if names != (contract.model, contract.classes, contract.task):
        raise DamagedBundle(
            f"{folder}: {MANIFEST} is of another model than contract.json; export the bundle again"
        )


def load_models(root: Path) -> dict[str, Arms]:
    """Every model below `root`. Without aliases the highest version is the champion."""
    aliases = (
        _decode(root / ALIASES, dict[str, dict[str, str]]) if (root / ALIASES).is_file() else {}
    )
    models = {
        folder.name: _load_arms(folder, aliases.get(folder.name, {}))
        for folder in sorted(root.glob("*/"))
        if any(folder.glob(f"[!.]*/{MANIFEST}"))
    }
    if not models:
        raise NoBundles(f"{root}: no bundle found; `make run` trains and exports the sample models")
    return models


def _load_arms(folder: Path, aliases: dict[str, str]) -> Arms:
    # A name with a dot before it is an export that was not finished.
    complete = (path.parent.name for path in folder.glob(f"[!.]*/{MANIFEST}"))
    versions = sorted(complete, key=_version_order)
    champion = aliases.get("champion", versions[-1])
    challenger = aliases.get("challenger")
    for version in filter(None, (champion, challenger)):
        if version not in versions:
            raise DamagedBundle(
                f"{folder}: {ALIASES} names version {version}, but there are {', '.join(versions)}; export again"
            )
    arms = Arms(
        _load_in_place(folder / champion),
        _load_in_place(folder / challenger) if challenger and challenger != champion else None,
    )
    if arms.challenger is not None and _encoding(arms.champion) != _encoding(arms.challenger):
        raise BundleError(
            f"{folder}: version {challenger} takes or gives other columns or classes than the"
            f" champion, version {champion}, and both are fed the same rows; promote it, or export"
            " without it"
        )
    return arms


def _load_in_place(folder: Path) -> Bundle:
    bundle = load_bundle(folder)
    place = (folder.parent.name, folder.name)
    if place != (bundle.manifest.model, bundle.manifest.version):
        raise DamagedBundle(
            f"{folder}: {MANIFEST} is of {bundle.manifest.model}, version"
            f" {bundle.manifest.version}; export the bundle again"
        )
    return bundle


def _encoding(bundle: Bundle) -> Any:
    """All that says how rows become a matrix, and answers names."""
    contract = bundle.contract
    columns = [(one.name, one.type, one.categories, one.encode) for one in contract.columns]
    return columns, [one.name for one in contract.outputs], contract.classes


def _version_order(version: str) -> tuple[int, str]:
    return (int(version) if version.isdigit() else -1, version)


def _decode(path: Path, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedBundle(f"{path}: {error}; export the bundle again") from error


def check_golden(bundle: Bundle) -> list[str]:
    """What differs from the golden rows, as sentences; empty when the engine reproduces them."""
    golden = bundle.golden
    answer = bundle.predict(bundle.encoder.encode_rows(golden.rows))
    if bundle.contract.classes:
        given: list[Any] = [bundle.contract.classes[int(number)] for number in answer.values]
    else:
        given = answer.values.tolist()
    differences = [
        f"golden row {row}: predicted {got}, expected {expected}"
        for row, (got, expected) in enumerate(zip(given, golden.predictions, strict=True))
        if not _same(got, expected, golden.tolerance)
    ]
    if golden.probabilities is not None and answer.probabilities is not None:
        differences += [
            f"golden row {row}: probabilities {got}, expected {expected}"
            for row, (got, expected) in enumerate(
                zip(answer.probabilities.tolist(), golden.probabilities, strict=True)
            )
            if not _same(got, expected, golden.tolerance)
        ]
    return differences


def _same(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, str):
        return bool(got == expected)
    return bool(np.allclose(got, expected, rtol=tolerance, atol=tolerance))
