"""What a bundle's folder says of itself: manifest, golden rows, and the hash of each file that it vouches for.

BundleError
├── DamagedBundle     a file is missing, changed or not readable as what it should be
├── UntrustedBundle   its model holds types of packages that are not trusted here, or not installed
├── NotExported       bundles and the aliases beside them are not the same set
└── NoBundles         a folder has no bundle at all
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from service.bundle.contract import Task
from service.bundle.engines import MODEL_FILES, EngineName

T = TypeVar("T")

MANIFEST = "manifest.json"


class BundleError(ValueError):
    """Each message names the folder, what is wrong with it, and what to do."""


class DamagedBundle(BundleError):
    pass


class UntrustedBundle(BundleError):
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
    #: Packages besides scikit-learn's whose types the model holds: whom a service has to trust, if it serves it.
    packages: tuple[str, ...] = ()
    schema: int = 1


class Golden(msgspec.Struct, frozen=True):
    """Inputs as callers send them, and what must come out within `tolerance` (relative to 1 or the value)."""

    rows: list[dict[str, Any]]
    predictions: list[Any]
    probabilities: list[list[float]] | None = None
    tolerance: float = 1e-4


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder whose every file is as the manifest says."""
    manifest = decode_file(folder / MANIFEST, Manifest)
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


def decode_file(path: Path, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedBundle(f"{path}: {error}; export the bundle again") from error
