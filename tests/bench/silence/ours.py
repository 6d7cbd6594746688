"""How often ours alarms of windows without drift, with thousands of windows a cell."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from monitoring.drift import judge_relation
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
    """Of windows of `rows` rows against a reference of `known` rows."""

    rows: int
    known: int
    windows: Rate
    columns: Rate
    alarms: Rate
    by_column: Counter[str]


def silence(rows: int, known: int, triples: int, seed: int) -> Cell:
    random = np.random.default_rng([seed, rows, known])
    window_hits = column_hits = alarm_hits = 0
    by_column: Counter[str] = Counter()
    reference = None
    for number in range(triples):
        if number % TRIPLES_A_REFERENCE[known] == 0:
            reference = reference_of(CONTRACT, draw(known, random))
        assert reference is not None
        windows = judge_ours([draw(rows, random) for _ in range(TRIPLE)], reference)
        raised = [raised_columns(window) for window in windows]
        window_hits += sum(map(bool, raised))
        column_hits += sum(map(len, raised))
        alarms = alarmed(windows)
        alarm_hits += bool(alarms)
        by_column.update(column or kind for kind, column in alarms)
    count = triples * TRIPLE
    return Cell(
        rows,
        known,
        Rate(window_hits, count),
        Rate(column_hits, count * len(NAMES)),
        Rate(alarm_hits, triples),
        by_column,
    )


def silence_of_relation(rows: int, known: int, triples: int, seed: int) -> tuple[Rate, Rate]:
    """Windows raised, and alarms after two of three."""
    random = np.random.default_rng([seed, rows, known, 1])
    raised, alarms = 0, 0
    for _ in range(triples):
        reference = _rows_alone(known, random)
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


def _rows_alone(known: int, random: np.random.Generator) -> Reference:
    sample = draw(min(known, 2_000), random)
    return Reference(
        rows=known, columns={}, predictions={}, sample=tuple(map(tuple, sample.tolist()))
    )
