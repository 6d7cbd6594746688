"""What the monitor needs of one version: contract, reference, rules, loss models; its files, held to their hashes."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from service.bundle.contract import Contract
from service.bundle.lengths import parse_horizon, parse_window
from service.bundle.manifest import MANIFEST, DamagedBundle, Manifest, decode_file, sha256
from service.bundle.monitor_rules import MONITOR_RULES, MonitorRules, read_monitor_rules
from service.bundle.reference import LOSS_MODEL, REFERENCE, Reference, read_reference

CONTRACT = "contract.json"
#: As a bundle's manifest names them; the rest of a bundle serves.
NEEDED = (CONTRACT, REFERENCE, LOSS_MODEL)
#: Names come from the journal, and become folders.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class NoReference(Exception):
    """Nothing can be compared with; the message says why. `fault`: something is down or damaged, and may come back."""

    def __init__(self, reason: str, fault: bool = False):
        self.fault = fault
        super().__init__(reason)


class VersionReference(NamedTuple):
    """`reference` is None of a bundle from before there was what drift needs: then `reason` says so."""

    folder: Path
    manifest: Manifest
    contract: Contract
    reference: Reference | None
    rules: MonitorRules
    reason: str = ""


def check_names(model: str, version: str) -> None:
    if not (NAME.fullmatch(model) and NAME.fullmatch(version)):
        raise NoReference(
            "the journal's name of model or version is no name that a bundle can have"
        )


def read_version(folder: Path, model: str, version: str) -> VersionReference:
    """Of a folder with at least the files that are needed. BundleError where one is not as the manifest says."""
    manifest = decode_file(folder / MANIFEST, Manifest)
    if (manifest.model, manifest.version) != (model, version):
        raise DamagedBundle(
            f"{folder}: {MANIFEST} is of {manifest.model} {manifest.version}; export the bundle again"
        )
    for name in NEEDED:
        _check_file(folder, name, manifest)
    reason = ""
    try:
        reference = read_reference(folder)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedBundle(f"{folder / REFERENCE}: {error}; export the bundle again") from error
    if reference is None:
        reason = "no reference: the bundle is from before there was one; `make train FORCE=1` makes another"
    return VersionReference(
        folder=folder,
        manifest=manifest,
        contract=decode_file(folder / CONTRACT, Contract),
        reference=reference,
        rules=_read_rules(folder),
        reason=reason,
    )


def _read_rules(folder: Path) -> MonitorRules:
    rules = read_monitor_rules(folder)
    try:
        parse_window(rules.window)
        parse_horizon(rules.truth_horizon)
    except ValueError as error:
        raise DamagedBundle(
            f"{folder / MONITOR_RULES}: {error} is no span of time or rows; export the bundle again"
        ) from error
    return rules


def _check_file(folder: Path, name: str, manifest: Manifest) -> None:
    expected, path = manifest.files.get(name), folder / name
    if expected is None:
        if name != LOSS_MODEL:
            raise DamagedBundle(
                f"{folder}: {MANIFEST} vouches for no {name}; export the bundle again"
            )
        return
    if not path.is_file():
        raise DamagedBundle(f"{folder}: {name} is missing; export the bundle again")
    if sha256(path) != expected:
        raise DamagedBundle(
            f"{folder}: {name} is not the file that was exported; export the bundle again"
        )


def keep(folder: Path, fill: Callable[[Path], None], model: str, version: str) -> None:
    """Has a folder filled aside, checks it, and lets it take the place: a kill leaves the old one, or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may keep the same version at once.
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fill(aside)
        read_version(aside, model, version)
        # A reader has the files open or read by now; where it meets nothing, it fetches again.
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def copy_from(source: Path) -> Callable[[Path], None]:
    """Fills a folder from a bundle's."""

    def fill(folder: Path) -> None:
        for name in (MANIFEST, *NEEDED, MONITOR_RULES):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)

    return fill
