"""How often ours alarms of windows without drift, with thousands of windows a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monitoring.drift import judge_relation
from monitoring.judge.alarms import JudgedWindow
from service.bundle.reference import Reference
from tests.bench.silence.population import NAMES, draw
from tests.bench.silence.windows import (
    CONTRACT,
    RULES,
    TRIPLE,
    Rate,
    alarmed,
    judge_ours,
    judged,
    raised_columns,
)
from tests.support.monitoring.windows import reference_of

#: A reference of 20,000 rows is close to the population: it serves for so many triples. A small one is off by chance,
#: the same way in all windows, so that each triple has its own.
TRIPLES_A_REFERENCE = {1_000: 1, 20_000: 10}


class Cell(NamedTuple):
    """Of windows of `rows` rows against one size of reference."""

    rows: int
    windows: Rate
    columns: Rate
    alarms: Rate
    by_column: Counter[str]


class Tally:
    """Of the windows of one cell."""

    def __init__(self, rows: int):
        self.rows = rows
        self.triples = self.windows = self.columns = self.alarms = 0
        self.by_column: Counter[str] = Counter()

    def add(self, windows: list[JudgedWindow]) -> None:
        raised = [raised_columns(window) for window in windows]
        alarms = alarmed(windows)
        self.triples += 1
        self.windows += sum(map(bool, raised))
        self.columns += sum(map(len, raised))
        self.alarms += bool(alarms)
        self.by_column.update(column or kind for kind, column in alarms)

    @property
    def cell(self) -> Cell:
        count = self.triples * TRIPLE
        return Cell(
            self.rows,
            Rate(self.windows, count),
            Rate(self.columns, count * len(NAMES)),
            Rate(self.alarms, self.triples),
            self.by_column,
        )


def silence(all_rows: Sequence[int], reference_rows: int, triples: int, seed: int) -> list[Cell]:
    """A cell for each size of a window; they share their references, which cost more than windows."""
    random = np.random.default_rng([seed, reference_rows])
    tallies = [Tally(rows) for rows in all_rows]
    each = TRIPLES_A_REFERENCE[reference_rows]
    for first in range(0, triples, each):
        reference = reference_of(CONTRACT, draw(reference_rows, random))
        for tally in tallies * min(each, triples - first):
            tally.add(judge_ours([draw(tally.rows, random) for _ in range(TRIPLE)], reference))
    return [tally.cell for tally in tallies]


def silence_of_relation(
    rows: int, reference_rows: int, triples: int, seed: int
) -> tuple[Rate, Rate]:
    """Windows raised, and alarms after two of three."""
    random = np.random.default_rng([seed, rows, reference_rows, 1])
    raised, alarms = 0, 0
    for _ in range(triples):
        reference = _rows_alone(reference_rows, random)
        findings = [
            judge_relation(
                NAMES, draw(rows, random).astype(np.float32), reference, RULES.least_rows, {}
            )
            for _ in range(TRIPLE)
        ]
        raised += sum(finding.verdict == "raised" for finding in findings)
        windows = [judged(number, [finding], rows) for number, finding in enumerate(findings)]
        alarms += bool(alarmed(windows))
    return Rate(raised, triples * TRIPLE), Rate(alarms, triples)


def _rows_alone(reference_rows: int, random: np.random.Generator) -> Reference:
    sample = draw(min(reference_rows, 2_000), random)
    return Reference(
        rows=reference_rows, columns={}, predictions={}, sample=tuple(map(tuple, sample.tolist()))
    )
