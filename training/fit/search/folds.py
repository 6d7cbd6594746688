"""The folds of training rows: by chance, by chance within each class, or in order of time, each judged after it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from service.bundle.contract import Matrix
from training.common.errors import TrainingError
from training.metrics.metric import Rows
from training.spec.values import Spec


def folds_of(spec: Spec, matrix: Matrix, target: NDArray[Any]) -> list[tuple[Rows, Rows]]:
    """Of each fold the rows to learn from, and those to judge by."""
    try:
        return list(_kind(spec).split(matrix, target))
    except ValueError as error:
        raise TrainingError(
            f"{spec.name}: {len(matrix)} training rows make no {spec.search.folds} folds ({error}); fewer search.folds,"
            " or more rows of each class"
        ) from error


def _kind(spec: Spec) -> Any:
    if spec.ordered:
        return TimeSeriesSplit(spec.search.folds)
    kind = StratifiedKFold if spec.task == "classification" else KFold
    return kind(spec.search.folds, shuffle=True, random_state=spec.search.seed)
