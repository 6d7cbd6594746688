"""From an id to the predictions behind it and all that made them, as `make trace` (scripts/operate/trace.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from monitoring.pages.outside.journal import MOST, JournalLookup, Row
from monitoring.references import VersionReference
from service.bundle.contract import Contract
from service.web.keys import Key

UNKNOWN = "unknown: the release is in no record that the monitor reaches"
NO_CONTRACT = (
    "What was asked is not shown: the contract, which says what is sensitive, is not known here."
)
NO_FEATURES = "Nothing of what was asked is in the journal."
Document = Mapping[str, Any]


def predictions(
    journal: JournalLookup,
    identity: str,
    key: Key,
    document: Callable[[str], Document],
    version: Callable[[str, str], VersionReference | None],
) -> tuple[list[dict[str, Any]], bool]:
    """Those of the models that the key is for, and whether there are more."""
    rows = [row for row in journal.predictions(identity) if key.covers(row["model"])]
    shown = rows[:MOST]
    versions = {of: version(*of) for of in {_version_of(row) for row in shown}}
    documents = {release: document(release) for release in {str(row["release"]) for row in shown}}
    lines = [
        _shown(row, documents[str(row["release"])], versions[_version_of(row)])
        | {"truths": [_with_value(truth) for truth in journal.truths(row)]}
        for row in shown
    ]
    return lines, len(rows) > MOST


def _version_of(row: Row) -> tuple[str, str]:
    return str(row["model"]), str(row["version"])


def _with_value(truth: Row) -> dict[str, Any]:
    return truth | {"value": text(truth["value"])}


def _shown(row: Row, document: Document, version: VersionReference | None) -> dict[str, Any]:
    about = _about(row, document) or (_of_manifest(version) if version else {})
    features, no_features = _features(row.get("features"), version.contract if version else None)
    return {
        **row,
        "prediction": text(row["prediction"]),
        "trace_id": row.get("trace_id"),
        "run_id": about.get("run_id"),
        "data_fingerprint": about.get("data_fingerprint"),
        "model_commit": about.get("commit"),
        "service_commit": document.get("commit"),
        "service_dirty": document.get("dirty"),
        "release_created": document.get("created"),
        "unknown": UNKNOWN,
        "features": features,
        "no_features": no_features,
    }


def _about(row: Row, document: Document) -> Document:
    arms = document.get("models", {}).get(row["model"], {})
    return next(
        (arm for arm in arms.values() if str(arm.get("version")) == str(row["version"])), {}
    )


def _of_manifest(version: VersionReference) -> Document:
    """Where no release is recorded, as with `make run`: what the bundle says of itself."""
    manifest = version.manifest
    return {
        "run_id": manifest.run_id,
        "data_fingerprint": manifest.data_fingerprint,
        "commit": manifest.git_commit,
    }


def _features(features: Any, contract: Contract | None) -> tuple[dict[str, str], str]:
    """Never those that the contract marks sensitive: also hashes of them stay in the journal."""
    if contract is None:
        return {}, NO_CONTRACT
    open_names: Collection[str] = [
        column.name for column in contract.columns if not column.sensitive
    ]
    values = features if isinstance(features, dict) else {}
    shown = {name: text(values[name]) for name in open_names if name in values}
    return shown, NO_FEATURES


def text(value: Any) -> str:
    """A label as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
