"""Whether `make run` has anything to do, found out without MLflow: its import alone takes longer than all the rest.

Nothing is to do where the exported set has, of each spec, the champion that its data, code and lock make today, and
nobody has written to MLflow since that was exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.bundle.exported import exported
from service.bundle.manifest import BundleError, read_manifest
from training.commands import outcome as candidates
from training.common import places
from training.common.documents import pretty
from training.common.provenance import derived, key
from training.data import sources
from training.spec.values import Spec, find

FILE = "settled.json"


def note() -> None:
    """Remembers MLflow's records as they are after an export."""
    (places.trained() / FILE).write_bytes(pretty(_records()))


def outcomes(specs: Sequence[Spec], whole: bool) -> list[dict[str, Any]]:
    """What the last training of each came to, if nothing is to do; `whole` if these are all specs that there are."""
    recorded = candidates.recorded(spec.name for spec in specs)
    if len(recorded) < len(specs) or not _as_noted() or not _is_exported(specs, whole):
        return []
    return [{**outcome, "status": "unchanged", "seconds": 0.0} for outcome in recorded]


def _as_noted() -> bool:
    noted, now = places.trained() / FILE, _records()
    return bool(now) and noted.is_file() and noted.read_bytes() == pretty(now)


def _records() -> list[int]:
    """Age and size of the database file; nothing where MLflow keeps its records elsewhere."""
    uri = places.tracking_uri()
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or not path.is_file():
        return []
    return [path.stat().st_mtime_ns, path.stat().st_size]


def _is_exported(specs: Sequence[Spec], whole: bool) -> bool:
    root = places.bundles()
    try:
        aliases = exported(root)
        keys = {
            model: read_manifest(root / model / arms["champion"]).key
            for model, arms in aliases.items()
        }
    except BundleError:
        return False
    if whole and keys.keys() != {spec.name for spec in specs}:
        return False
    return all(keys.get(spec.name) == _key(spec) for spec in specs)


def _key(spec: Spec) -> str:
    """As a training of it, whole, has it."""
    if spec.objective is not None:
        return key(spec, derived(_key(find(spec.objective.model))))
    return key(spec, sources.fingerprint(sources.read(spec)))
