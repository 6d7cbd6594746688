"""A candidate by its name in the spec: a short one of ours, or an import path such as `package.module:CANDIDATE`."""

from __future__ import annotations

import importlib

from training.fit.candidates.candidate import Candidate

#: Where each short name leads. A module is imported only when its candidate is asked for.
SHORT_NAMES = {
    "linear": "training.fit.candidates.linear:LINEAR",
    "random-forest": "training.fit.candidates.trees:RANDOM_FOREST",
    "extra-trees": "training.fit.candidates.trees:EXTRA_TREES",
    "gradient-boosting": "training.fit.candidates.boosting:GRADIENT_BOOSTING",
    "histogram-gradient-boosting": "training.fit.candidates.boosting:HISTOGRAM_GRADIENT_BOOSTING",
    "mlp": "training.fit.candidates.network:MLP",
}


def resolve(name: str) -> Candidate:
    module, _, attribute = SHORT_NAMES.get(name, name).partition(":")
    candidate = getattr(importlib.import_module(module), attribute)
    if not isinstance(candidate, Candidate):
        raise TypeError(f"{name}: given {type(candidate).__name__}; allowed: a Candidate")
    return candidate
