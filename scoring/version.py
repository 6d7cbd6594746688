"""Which version scores: one of the exported set, by alias or number, proven by its golden rows."""

from __future__ import annotations

from pathlib import Path

from scoring.errors import ScoringError
from service.bundle.exported import ARMS, Bundle, check_golden, exported, load_bundle
from service.bundle.manifest import MANIFEST, BundleError, sha256


def load_version(root: Path, model: str, version: str) -> Bundle:
    """The bundle of this model and version, `champion`, `challenger` or a number; ScoringError where there is none."""
    try:
        bundle = load_bundle(root / model / _number(root, model, version))
    except BundleError as error:
        raise ScoringError(str(error)) from error
    if differences := check_golden(bundle):
        raise ScoringError(
            f"{bundle.folder}: does not predict its own golden rows, so nothing is scored: {differences[0]}"
        )
    return bundle


def _number(root: Path, model: str, version: str) -> str:
    models = exported(root)
    if model not in models:
        raise ScoringError(
            f"MODEL={model}: {root} has no such model; exported are {', '.join(sorted(models))}; `make export` brings"
            " what was promoted"
        )
    arms = models[model]
    number = arms.get(version, "") if version in ARMS else version
    if number not in arms.values():
        there = ", ".join(f"{number} ({arm})" for arm, number in arms.items())
        raise ScoringError(
            f"VERSION={version}: of {model}, {root} has {there}; `make promote` and `make export` bring another"
        )
    return number


def fingerprint(bundle: Bundle) -> str:
    """Of all that decides its answers: the manifest has the hash of each other file."""
    return sha256(bundle.folder / MANIFEST)
