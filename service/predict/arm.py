"""One arm of a model, champion or challenger, with all that is the same for each of its answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from service.bundle.contract import Matrix
from service.bundle.engines import Answer
from service.bundle.exported import Bundle
from service.predict.traffic import ArmName
from service.process.metrics import ArmMetrics, Metrics, ModelMetrics
from service.web.reply import Headers


class Arm:
    def __init__(
        self, name: ArmName, bundle: Bundle, release: str, metrics: Metrics, model: ModelMetrics
    ):
        manifest, contract = bundle.manifest, bundle.contract
        self.name, self.bundle, self.version = name, bundle, manifest.version
        self.classes = contract.classes
        self.predict = bundle.engine.predict
        self.has_one_output = len(contract.outputs) == 1
        labels = (manifest.model, self.version, name)
        #: Where the matrix has a column that takes others, and the code of these.
        self.others = [
            (contract.positions(column.name)[0], column.other, column.name)
            for column in contract.columns
            if column.other is not None
        ]
        columns = [name for _, _, name in self.others]
        self.metrics = ArmMetrics(metrics, model, labels, self.classes, columns)
        self.headers: Headers = [
            ("X-Model", manifest.model),
            ("X-Model-Version", self.version),
            ("X-Release", release),
            ("X-Arm", name),
        ]

    def labels(self, answer: Answer) -> list[str]:
        """A classifier's predictions, by name."""
        return [self.classes[number] for number in answer.values.tolist()]

    def count(self, answer: Answer) -> None:
        counters = self.metrics.predictions
        if not self.classes:
            counters[0].inc(len(answer.values))
        elif len(answer.values) == 1:
            counters[answer.values[0]].inc()
        else:
            for number, times in enumerate(np.bincount(answer.values)):
                if times:
                    counters[number].inc(int(times))

    def count_others(self, matrix: Matrix) -> None:
        """Of each column that takes them, the values that are no category of it."""
        for counter, (position, code, _) in zip(
            self.metrics.other_values, self.others, strict=True
        ):
            if times := int(np.count_nonzero(matrix[:, position] == code)):
                counter.inc(times)


class Prediction(NamedTuple):
    arm: Arm
    answer: Answer
