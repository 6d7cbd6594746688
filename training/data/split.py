"""The split into training and held-out rows: by chance, by chance within each class, or the latest held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.metrics.metric import Rows
from training.spec.values import Spec


class Split(NamedTuple):
    """Row numbers on either side."""

    train: Rows
    held_out: Rows


def split(spec: Spec, frame: pd.DataFrame) -> Split:
    data, rows = spec.source, len(frame)
    held_out = min(rows - 1, max(1, round(rows * data.holdout)))
    if data.split == "time":
        order = np.argsort(pd.to_datetime(frame[data.time], utc=True).to_numpy(), kind="stable")
        return Split(order[:-held_out], order[-held_out:])
    order = np.random.default_rng(spec.search.seed).permutation(rows)
    if data.split == "stratified":
        order = _spread_classes(order, frame[data.target].astype(str).to_numpy())
    return Split(np.sort(order[held_out:]), np.sort(order[:held_out]))


def _spread_classes(order: Rows, labels: NDArray[np.object_]) -> Rows:
    """The same rows so ordered that every stretch holds each class by its share."""
    place = np.empty(len(order))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(place, kind="stable")
