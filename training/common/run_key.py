"""The key of a training, from spec, data, own code, ours and lock: with the same key it happens once and no more."""

from __future__ import annotations

import hashlib

import msgspec

from training.common.provenance import Provenance

#: The sections of a spec that change nothing of what is trained.
UNTRAINED = ("monitor",)


def run_key(spec: msgspec.Struct, fingerprint: str, origin: Provenance, own: str = "") -> str:
    """The same spec, data, code and lock give the same model, so training it again is a waste.

    `own` is the hash of what the spec names of a person's own: code, or a model from elsewhere.
    """
    trained = msgspec.to_builtins(spec)
    for section in UNTRAINED:
        trained.pop(section, None)
    parts = (
        msgspec.json.encode(trained, order="deterministic"),
        fingerprint.encode(),
        origin.code.encode(),
        origin.lock.encode(),
        *([own.encode()] if own else []),
    )
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def derived(key_of_objective: str) -> str:
    """The fingerprint of data that are made from a model: another version of it makes others."""
    return hashlib.sha256(key_of_objective.encode()).hexdigest()
