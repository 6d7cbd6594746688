"""What really happens in the demonstration: as the model expects, or, once the relation changes, otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.bundle.contract import Contract
from service.bundle.manifest import Manifest

#: The share of a number that is lost, and of classes that turn out to be another, once the relation changed.
LOST, TURNED = 0.25, 0.5


class Truth:
    """Makes truth of answers: errors are as large as they were on held-out rows. None for a recipe, which has none."""

    def __init__(self, contract: Contract, manifest: Manifest, seed: int):
        self._contract, self._random = contract, np.random.default_rng(seed)
        error = manifest.metrics.get("rmse")
        self._deviation = error.value if error is not None else 0.0

    @property
    def is_there(self) -> bool:
        return self._contract.task != "optimization"

    def of(self, answer: Mapping[str, Any], changed: bool) -> list[Any]:
        """By row of an answer of the native protocol."""
        if self._contract.classes:
            return [self._class(odds, changed) for odds in answer["probabilities"]]
        values = np.array(answer["predictions"], float).reshape(len(answer["predictions"]), -1)[
            :, 0
        ]
        noise = self._random.normal(0.0, self._deviation, len(values))
        return list(((1.0 - LOST * changed) * values + noise).tolist())

    def _class(self, odds: Sequence[float], changed: bool) -> str:
        """Drawn by the model's own probabilities, so that it is right as often as it says."""
        shares = np.array(odds, float)
        drawn = int(self._random.choice(len(shares), p=shares / shares.sum()))
        if changed and self._random.random() < TURNED:
            drawn = (drawn + 1) % len(shares)
        return self._contract.classes[drawn]
