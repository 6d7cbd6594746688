"""Bundles: `<root>/<model>/<version>/`, all that the service needs for one version, and nothing it need not trust.

BundleError
├── DamagedBundle     a file is missing, changed or not readable as what it should be
├── NotExported       bundles and the aliases beside them are not the same set
└── NoBundles         a folder has no bundle at all
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from service.bundle.contract import Contract, Task
from service.bundle.encoder import Encoder
from service.bundle.engines import (
    MODEL_FILES,
    Answer,
    Engine,
    EngineName,
    UntrustedModel,
    open_engine,
)

T = TypeVar("T")

MANIFEST = "manifest.json"
ALIASES = "aliases.json"
ARMS = ("champion", "challenger")
#: Of each model, which version plays which part.
Aliases = dict[str, dict[str, str]]


class BundleError(ValueError):
    """Each message names the folder, what is wrong with it, and what to do."""


class DamagedBundle(BundleError):
    pass


class NotExported(BundleError):
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
    #: A person, or a build of the pipeline.
    trained_by: str = ""
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


def read_aliases(root: Path) -> Aliases:
    """What `aliases.json` says: the champion of each model, and a challenger where that is another version."""
    aliases = _decode(root / ALIASES, Aliases)
    for model, arms in aliases.items():
        if "champion" not in arms or not arms.keys() <= {*ARMS}:
            raise NotExported(
                f"{root / ALIASES}: {model} has {' and '.join(arms) or 'no alias'}; it needs a champion, and may have"
                " a challenger; `make promote` makes one, `make export` writes it here"
            )
        if arms.get("challenger") == arms["champion"]:
            del arms["challenger"]
    return aliases


def exported(root: Path) -> Aliases:
    """The exported set: the bundles that aliases name, if these and no others lie below `root`.

    Nothing stands in for an alias: what nobody promoted is not served. `scripts/image/exported.py` reads the same set by
    itself, as those do who look at a service from outside.
    """
    folders = [path.parent for path in root.glob(f"[!.]*/[!.]*/{MANIFEST}")]
    there = {f"{folder.parent.name}/{folder.name}" for folder in folders}
    aliases = read_aliases(root) if (root / ALIASES).is_file() else {}
    named = {f"{model}/{version}" for model, arms in aliases.items() for version in arms.values()}
    if not there | named:
        raise NoBundles(
            f"{root}: there is no bundle; `make train`, `make promote` and `make export` make them,"
            " `make run` does it all for the sample models"
        )
    if there - named:
        raise NotExported(
            f"{root}: no alias in {ALIASES} names {', '.join(sorted(there - named))}, so nobody promoted it;"
            " `make export` writes what somebody did"
        )
    if named - there:
        raise NotExported(
            f"{root}: {ALIASES} names {', '.join(sorted(named - there))}, which is not there;"
            " `make export` brings it"
        )
    return aliases


def load_models(root: Path) -> dict[str, Arms]:
    """Every model of the exported set below `root`."""
    return {model: _load_arms(root / model, arms) for model, arms in sorted(exported(root).items())}


def _load_arms(folder: Path, aliases: dict[str, str]) -> Arms:
    challenger = aliases.get("challenger")
    arms = Arms(
        _load_in_place(folder / aliases["champion"]),
        _load_in_place(folder / challenger) if challenger else None,
    )
    if arms.challenger is not None and _encoding(arms.champion) != _encoding(arms.challenger):
        raise BundleError(
            f"{folder}: version {challenger} takes or gives other columns or classes than the"
            f" champion, version {aliases['champion']}, and both are fed the same rows; promote it, or export"
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
