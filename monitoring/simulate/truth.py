"""What really happens in the demonstration: as the model expects, or, once the relation changes, otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.estimate.classes import calibrated, draw_classes
from service.bundle.contract import Contract
from service.bundle.manifest import Manifest
from service.bundle.reference import Calibration

#: The share of a number that is lost, and of classes that turn out to be another, once the relation changed.
LOST, TURNED = 0.25, 0.5


class Truth:
    """Makes truth of answers: as often wrong, and as far off, as on held-out rows. None for a recipe, which has none.

    A model is surer of rows that it was trained on, and the reference's are among them: classes are drawn by the
    calibrated probabilities, as an estimate reads them, so that only a change of the relation contradicts it.
    """

    def __init__(self, contract: Contract, manifest: Manifest, calibration: Calibration, seed: int):
        self._contract, self._random = contract, np.random.default_rng(seed)
        self._class_maps = calibration.class_maps
        self._absolute, self._typical = (
            manifest.metrics[name].value if name in manifest.metrics else 0.0
            for name in ("mae", "rmse")
        )

    @property
    def is_there(self) -> bool:
        return self._contract.task != "optimization"

    def of(self, answer: Mapping[str, Any], changed: bool) -> list[Any]:
        """By row of an answer of the native protocol."""
        if self._contract.classes:
            return self._classes(np.array(answer["probabilities"], float), changed)
        values = np.array(answer["predictions"], float)
        values = values.reshape(len(values), -1)[:, 0]
        return list(((1.0 - LOST * changed) * values + self._errors(len(values))).tolist())

    def _errors(self, rows: int) -> NDArray[np.float64]:
        """With the mean absolute and the root mean squared error of held-out rows: real errors are seldom normal."""
        spread = self._typical**2 - self._absolute**2
        if self._absolute <= 0.0 or spread <= 0.0:
            return np.asarray(self._random.normal(0.0, self._typical, rows))
        sizes = self._random.gamma(self._absolute**2 / spread, spread / self._absolute, rows)
        return np.asarray(sizes * self._random.choice((-1.0, 1.0), rows))

    def _classes(self, probabilities: NDArray[np.float64], changed: bool) -> list[str]:
        if self._class_maps:
            probabilities = calibrated(probabilities, self._class_maps)
        codes = draw_classes(probabilities, self._random)
        if changed:
            codes = codes + (self._random.random(len(codes)) < TURNED)
        names = self._contract.classes
        return [names[code % len(names)] for code in codes.tolist()]
