"""The references of versions: from the exported set where there is one, else from MLflow; kept, with fresh rules."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from monitoring.references.tracking_server import TrackingServer, TrackingUnavailable
from monitoring.references.version import (
    NEEDED,
    NoReference,
    VersionReference,
    check_names,
    copy_from,
    keep,
    read_version,
)
from service.bundle.manifest import MANIFEST, BundleError, Manifest, decode_file
from service.bundle.monitor_rules import MONITOR_RULES, MonitorRules
from service.process.logs import log

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Where `make train` and `make export` put them, of a version's run: training/registry/versions.py and export.py.
BUNDLE = "bundle"
RULES = f"monitor/{MONITOR_RULES}"
COMPLETE = "swarmline.complete"
#: Seconds until MLflow is asked again for a version's rules; so long as well for one that it did not have.
FRESH_SECONDS = 600.0
ABSENT_SECONDS = 120.0


class _Loaded(NamedTuple):
    reference: VersionReference
    #: Of the files that it was read from: manifest and rules.
    stamp: tuple[float, float]


class References:
    """Gives the reference `of` a version. What came from elsewhere is kept in a folder, and read by its hashes."""

    def __init__(self, bundles: Path, state: Path, server: TrackingServer):
        self._bundles, self._kept_folders, self._server = bundles, state / "references", server
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._absent: dict[tuple[str, str], tuple[float, str]] = {}
        self._refreshed: dict[tuple[str, str], float] = {}
        #: Said once.
        self._uncopied: set[tuple[str, str]] = set()

    def of(self, model: str, version: str) -> VersionReference:
        """NoReference, with its reason, where neither the exported set, nor what is kept, nor MLflow has it."""
        check_names(model, version)
        exported = self._bundles / model / version
        if (exported / MANIFEST).is_file():
            return self._from_exported(exported, model, version)
        kept_folder = self._kept_folders / model / version
        if (kept_folder / MANIFEST).is_file():
            self._refresh(kept_folder, model, version)
            try:
                return self._read(kept_folder, model, version)
            except BundleError:
                # Fetched again: a disk may have lost a part of it.
                shutil.rmtree(kept_folder, ignore_errors=True)
        return self._fetch(kept_folder, model, version)

    def find(self, model: str, version: str) -> VersionReference | None:
        """The same, or None."""
        try:
            return self.of(model, version)
        except NoReference:
            return None

    def forget(self, versions: Collection[tuple[str, str]]) -> list[str]:
        """Removes what is kept of other versions than these; their names."""
        removed = []
        for folder in sorted(self._kept_folders.glob("[!.]*/[!.]*")):
            if (folder.parent.name, folder.name) not in versions:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(f"{folder.parent.name} {folder.name}")
        return removed

    def _from_exported(self, folder: Path, model: str, version: str) -> VersionReference:
        try:
            reference = self._read(folder, model, version)
        except (BundleError, OSError) as error:
            # A file may go while it is read: the set is exported anew.
            raise NoReference(f"no reference: {error}", fault=True) from error
        kept_folder = self._kept_folders / model / version
        # For windows of it that are judged when the set is another one.
        if not _same(folder, kept_folder):
            self._copy(folder, kept_folder, model, version)
        return reference

    def _copy(self, folder: Path, kept_folder: Path, model: str, version: str) -> None:
        """The set may be exported anew meanwhile, the disk be full: what was read is sound, and tried again."""
        try:
            keep(kept_folder, copy_from(folder), model, version)
            self._uncopied.discard((model, version))
        except (OSError, BundleError) as error:
            if (model, version) not in self._uncopied:
                reason = f"the reference of {model} {version} cannot be kept: {error}"
                log("warning", "reference-not-kept", message=reason, model=model, version=version)
            self._uncopied.add((model, version))

    def _read(self, folder: Path, model: str, version: str) -> VersionReference:
        """Read again only where the files are others: hashing takes time."""
        stamp = (_changed(folder / MANIFEST), _changed(folder / MONITOR_RULES))
        loaded = self._loaded.get((model, version))
        if loaded is None or loaded.stamp != stamp or loaded.reference.folder != folder:
            loaded = _Loaded(read_version(folder, model, version), stamp)
            self._loaded[model, version] = loaded
        return loaded.reference

    def _fetch(self, kept_folder: Path, model: str, version: str) -> VersionReference:
        when, why = self._absent.get((model, version), (-ABSENT_SECONDS, ""))
        if time.monotonic() - when < ABSENT_SECONDS:
            raise NoReference(why)
        try:
            self._server.ask(lambda client: _download(client, kept_folder, model, version))
            reference = self._read(kept_folder, model, version)
        except (TrackingUnavailable, BundleError, OSError) as error:
            raise NoReference(
                f"no reference: the exported set has no {model} {version}, and {error}", fault=True
            ) from error
        except NoReference as error:
            # An answer, not a fault: it is not asked for at every look.
            self._absent[model, version] = (time.monotonic(), str(error))
            raise
        self._refreshed[model, version] = time.monotonic()
        return reference

    def _refresh(self, kept_folder: Path, model: str, version: str) -> None:
        """The rules of `make export` since then, where MLflow can tell; what is kept stands in for it."""
        now = time.monotonic()
        if now - self._refreshed.get((model, version), -FRESH_SECONDS) < FRESH_SECONDS:
            return
        if not self._server.named:
            return
        self._refreshed[model, version] = now
        # Those of before hold as long as nobody can tell others.
        with contextlib.suppress(TrackingUnavailable, NoReference, BundleError, OSError):
            self._server.ask(lambda client: _refresh_rules(client, kept_folder, model, version))


def exported_models(bundles: Path) -> set[str]:
    """Those of the exported set; none where there is no such folder."""
    return {path.parent.parent.name for path in bundles.glob(f"[!.]*/[!.]*/{MANIFEST}")}


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _same(folder: Path, kept_folder: Path) -> bool:
    try:
        return all(
            (folder / name).read_bytes() == (kept_folder / name).read_bytes()
            for name in (MANIFEST, MONITOR_RULES)
            if (folder / name).is_file() or name == MANIFEST
        )
    except OSError:
        return False


def _run_of(client: MlflowClient, model: str, version: str) -> str:
    from mlflow.exceptions import MlflowException  # pylint: disable=import-outside-toplevel

    try:
        registered = client.get_model_version(model, version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise NoReference(
                f"no reference: neither the exported set nor MLflow has {model} {version}"
            ) from error
        raise
    if registered.tags.get(COMPLETE) != "true":
        raise NoReference(
            f"no reference: {model} {version} in MLflow is of a training that was ended"
        )
    return str(registered.run_id)


def _download(client: MlflowClient, kept_folder: Path, model: str, version: str) -> None:
    run = _run_of(client, model, version)

    def fill(folder: Path) -> None:
        _download_file(client, run, f"{BUNDLE}/{MANIFEST}", folder)
        manifest = decode_file(folder / MANIFEST, Manifest)
        for name in NEEDED:
            if name in manifest.files:
                _download_file(client, run, f"{BUNDLE}/{name}", folder)
        _download_rules(client, run, folder)

    keep(kept_folder, fill, model, version)


def _download_rules(client: MlflowClient, run: str, folder: Path) -> None:
    """None of a version that was exported before there were rules."""
    parent, _, name = RULES.rpartition("/")
    if name not in {entry.path.rpartition("/")[2] for entry in client.list_artifacts(run, parent)}:
        return
    _download_file(client, run, RULES, folder)


def _download_file(client: MlflowClient, run: str, artifact: str, folder: Path) -> None:
    """Into the folder, whole or not at all. Where in it MLflow puts a file depends on what keeps its artifacts."""
    with tempfile.TemporaryDirectory(prefix=".fetched-", dir=folder) as aside:
        path = Path(client.download_artifacts(run, artifact, aside))
        if path.name == MONITOR_RULES:
            # Not in the manifest, so read before it takes the place of sound ones.
            decode_file(path, MonitorRules)
        path.replace(folder / path.name)


def _refresh_rules(client: MlflowClient, kept_folder: Path, model: str, version: str) -> None:
    run = _run_of(client, model, version)
    if decode_file(kept_folder / MANIFEST, Manifest).run_id != run:
        # The same number in an MLflow that began anew is another version.
        _download(client, kept_folder, model, version)
        return
    _download_rules(client, run, kept_folder)
