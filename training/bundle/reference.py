"""The reference in a bundle: what a version learnt from and answers, in short, for the monitor to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from service.bundle.contract import Column, Contract, Matrix
from service.bundle.engines import Answer, Engine
from service.bundle.reference import Calibration, Histogram, Profile, Reference, Season
from training.bundle.profiles import (
    histogram,
    profile_codes,
    profile_column,
    profile_numbers,
    shortest,
)
from training.bundle.seasons import make_seasons
from training.judge.result import TrainingResult
from training.metrics.metric import sample_rows

SAMPLE_ROWS = 2_000


def make_reference(result: TrainingResult, engine: Engine, calibration: Calibration) -> Reference:
    """Columns are of all rows, since a split in time leaves the newest season out; predictions of held-out rows."""
    dataset, seed = result.dataset, result.spec.search.seed
    contract, matrix = dataset.contract, dataset.matrix
    answer = result.fitted.answer_held_out(dataset.held_out)
    columns = {
        part.name: profile_column(part.column, part.values(matrix), seed)
        for part in contract.parts
        if not part.column.sensitive
    }
    return Reference(
        rows=len(matrix),
        columns=columns,
        predictions=_predictions(contract, answer, seed),
        probability=_probability(answer),
        sample=_sample(contract, matrix, seed),
        importance={
            each.column: each.mean
            for each in (result.evaluation.importance if result.evaluation else ())
        },
        seasons=_seasons(result, engine, columns),
        time_zone=result.spec.monitor.time_zone,
        calibration=calibration,
    )


def _predictions(contract: Contract, answer: Answer, seed: int) -> dict[str, Profile]:
    if contract.classes:
        codes = answer.values.astype(np.float64)
        return {contract.outputs[0].name: profile_codes(codes, contract.classes, seed)}
    return {
        output.name: profile_numbers(answer.values[:, position], seed)
        for position, output in enumerate(contract.outputs)
    }


def _probability(answer: Answer) -> Histogram | None:
    if answer.probabilities is None:
        return None
    predicted = answer.values.astype(np.intp)[:, np.newaxis]
    return histogram(np.take_along_axis(answer.probabilities, predicted, axis=1), 0.0, 1.0)


def _sample(contract: Contract, matrix: Matrix, seed: int) -> tuple[tuple[float | None, ...], ...]:
    """Whole rows: what belongs together stays together. A null stays one."""
    rows = matrix[sample_rows(len(matrix), SAMPLE_ROWS, seed)]
    columns: list[list[Any]] = [
        [None] * len(rows) if feature.column.sensitive else _cells(rows[:, position])
        for position, feature in enumerate(contract.features)
    ]
    return tuple(zip(*columns, strict=True))


def _cells(values: Matrix) -> list[float | None]:
    return [None if np.isnan(value) else value for value in shortest(values)]


def _seasons(
    result: TrainingResult, engine: Engine, columns: dict[str, Profile]
) -> tuple[Season, ...]:
    spec, dataset = result.spec, result.dataset
    if spec.data is None or not spec.data.time:
        return ()
    contract, answer = dataset.contract, engine.predict(dataset.matrix)
    # Outputs move with the calendar as columns do; none has a column's name.
    more = [Column(each.name, "number") for each in contract.outputs]
    if contract.classes:
        more = [Column(more[0].name, "category", categories=contract.classes)]
    return tuple(
        make_seasons(
            replace(contract, columns=(*contract.columns, *more)),
            np.column_stack([dataset.matrix, answer.values]).astype(np.float32),
            {**columns, **_predictions(contract, answer, spec.search.seed)},
            dataset.frame[spec.data.time],
            spec.monitor.time_zone,
            spec.search.seed,
        )
    )
