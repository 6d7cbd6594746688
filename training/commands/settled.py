"""Whether `make run` has anything to do, found out without MLflow: its import alone takes longer than all the rest.

Nothing is to do where the exported set has, of each spec, the champion that its data, code and lock make today, watched
as it says today, and nobody has written to MLflow since that was exported.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from service.bundle.exported import exported
from service.bundle.manifest import BundleError, read_manifest
from service.bundle.monitor_rules import MonitorRules, read_monitor_rules
from training.commands.outcome import TrainingOutcome, recorded
from training.common import own_code, state
from training.common.files import pretty
from training.common.provenance import provenance
from training.common.run_key import derived, run_key
from training.data import prepare
from training.fit.imported.file import ImportRefused
from training.fit.imported.source import is_at_mlflow, key_of_own
from training.spec.load import find
from training.spec.values import Spec

FILE = "settled.json"


def note() -> None:
    """Remembers MLflow's records as they are after an export."""
    (state.trained() / FILE).write_bytes(pretty(_records()))


def outcomes(specs: Sequence[Spec], whole: bool) -> list[TrainingOutcome]:
    """The outcome of the last training of each, if nothing is to do; `whole` if these are all specs that there are."""
    last = recorded(spec.name for spec in specs)
    if len(last) < len(specs) or not _as_noted() or not _is_exported(specs, whole):
        return []
    return [msgspec.structs.replace(outcome, status="unchanged", seconds=0.0) for outcome in last]


def _as_noted() -> bool:
    note_, now = state.trained() / FILE, _records()
    return bool(now) and note_.is_file() and note_.read_bytes() == pretty(now)


def _records() -> list[int]:
    """Age and size of the database file; nothing where MLflow keeps its records elsewhere."""
    file = state.tracking_file()
    if file is None or not file.is_file():
        return []
    return [file.stat().st_mtime_ns, file.stat().st_size]


def _is_exported(specs: Sequence[Spec], whole: bool) -> bool:
    root = state.bundles()
    champions: dict[str, tuple[str, MonitorRules]] = {}
    try:
        for model, arms in exported(root).items():
            folder = root / model / arms["champion"]
            champions[model] = read_manifest(folder).key, read_monitor_rules(folder)
    except BundleError:
        return False
    if any(spec.imported is not None and is_at_mlflow(spec.imported) for spec in specs):
        # Only MLflow knows what is there now.
        return False
    if whole and champions.keys() != {spec.name for spec in specs}:
        return False
    try:
        return all(champions.get(spec.name) == (_key(spec), spec.monitor_rules) for spec in specs)
    except (own_code.OwnCodeError, ImportRefused):
        # A training says of which key.
        return False


def _key(spec: Spec) -> str:
    """As a training of it, whole, has it."""
    if spec.objective is not None:
        fingerprint = derived(_key(find(spec.objective.model)))
    else:
        _, fingerprint = prepare.read(spec)
    return run_key(spec, fingerprint, provenance(), key_of_own(spec))
