"""The groups of `[fairness]` on held-out rows: who is in which, and their figures by the answers as they are served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.contract import Column
from training.data.dataset import Dataset
from training.metrics.by_group import FIGURES, Grouped, GroupFigures, measure_groups
from training.metrics.metric import Scored
from training.spec.fairness import Fairness
from training.spec.values import Spec

#: So many different numbers of a column that is no input are groups; of more, quarters are.
MOST_NUMBERS = 20


def measure_fairness(spec: Spec, dataset: Dataset, scored: Scored) -> GroupFigures | None:
    """None without `[fairness]`, and of rows that were kept without its column."""
    fairness = spec.fairness
    if fairness is None or (spec.group_beside and dataset.groups is None):
        return None
    return measure_groups(
        FIGURES[spec.task],
        scored,
        _grouped(fairness, dataset),
        positive_class(fairness, dataset.contract.classes),
        least=fairness.minimum_rows,
        seed=spec.search.seed,
        in_order=spec.ordered,
    )


def positive_class(fairness: Fairness, classes: Sequence[str]) -> int:
    """Its number: of two classes the second, where the spec names none; no class of numbers."""
    return classes.index(fairness.positive) if fairness.positive else len(classes) - 1


def _grouped(fairness: Fairness, dataset: Dataset) -> Grouped:
    if dataset.groups is not None:
        return _of_texts(dataset.groups)
    part = dataset.contract.parts_of(fairness.group)[0]
    return group_values(part.column, part.values(dataset.held_out).astype(np.float64))


def group_values(column: Column, values: NDArray[Any]) -> Grouped:
    """By level, or by quarters of numbers."""
    if column.levels:
        return Grouped(column.levels, np.where(np.isnan(values), -1, values).astype(np.intp))
    return _in_quarters(values)


def _of_texts(values: pd.Series[Any]) -> Grouped:
    codes, texts = pd.factorize(values, sort=True)
    if len(texts) > MOST_NUMBERS:
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        if (numbers.notna() == values.notna()).all():
            return _in_quarters(numbers.to_numpy(dtype=np.float64))
    return Grouped(tuple(map(str, texts)), codes.astype(np.intp))


def _in_quarters(values: NDArray[Any]) -> Grouped:
    """Without the least and the largest value, which may be somebody's."""
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return Grouped((), np.full(len(values), -1))
    edges = np.unique(np.quantile(present, [0.25, 0.5, 0.75]))
    ends = [f"{edge:g}" for edge in edges]
    between = [f"{low} to below {high}" for low, high in zip(ends[:-1], ends[1:], strict=True)]
    codes = np.where(np.isnan(values), -1, np.digitize(values, edges)).astype(np.intp)
    return Grouped((f"below {ends[0]}", *between, f"{ends[-1]} or more"), codes)
