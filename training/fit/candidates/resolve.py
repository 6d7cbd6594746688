"""A candidate by its name in the spec: a short one of ours, or an import path such as `package.module:CANDIDATE`."""

from __future__ import annotations

import importlib

from training.common import own_code
from training.common.errors import SpecError, TrainingError
from training.common.own_code import OwnCodeError
from training.data import prepare
from training.fit.candidates import own
from training.fit.candidates.candidate import Candidate
from training.spec.values import Spec

#: Where each short name leads. A module is imported only when its candidate is asked for.
SHORT_NAMES = {
    "linear": "training.fit.candidates.linear:LINEAR",
    "random-forest": "training.fit.candidates.trees:RANDOM_FOREST",
    "extra-trees": "training.fit.candidates.trees:EXTRA_TREES",
    "gradient-boosting": "training.fit.candidates.boosting:GRADIENT_BOOSTING",
    "mlp": "training.fit.candidates.network:MLP",
}

#: What stands where a candidate would, of a model that was trained elsewhere.
IMPORTED = "imported"


def title(name: str) -> str:
    """What kind of model it is, for people."""
    return "model trained elsewhere" if name == IMPORTED else resolve(name).title


def resolve(name: str) -> Candidate:
    """Own code may be a Candidate, or a function that builds an estimator."""
    if name in SHORT_NAMES:
        module, _, attribute = SHORT_NAMES[name].partition(":")
        try:
            candidate: Candidate = getattr(importlib.import_module(module), attribute)
        except OSError as error:
            # A bare Debian has no library of OpenMP, which LightGBM takes from the system.
            raise TrainingError(f"{name}: {error}; on Debian: apt-get install libgomp1") from error
        return candidate
    return own.candidate(name)


def resolve_own_code(spec: Spec) -> None:
    """Imports all own code of a spec, before data is read; SpecError names every function that cannot be used."""
    problems = []
    for key, names, look in (
        ("features.prepare", filter(None, [spec.features.prepare]), prepare.function),
        ("search.candidates", filter(own_code.is_own, spec.search.candidates), resolve),
    ):
        for name in names:
            try:
                look(name)
            except OwnCodeError as error:
                problems.append(f"{key}: {error}")
    if problems:
        raise SpecError(spec.name, problems)
