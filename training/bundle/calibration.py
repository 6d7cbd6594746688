"""The calibration of the estimate: what loss the held-out rows had by their score, in blocks, and class by class."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from service.bundle.reference import Block, ClassMap

Floats = NDArray[np.float64]

#: Fewer held-out rows than this calibrate nothing.
LEAST_ROWS = 100
#: Of a block. What a window says of a smaller one would be chance.
BLOCK_ROWS = 50


def make_blocks(score: NDArray[Any], loss: NDArray[Any], increasing: bool = True) -> list[Block]:
    """Isotonic regression of the loss on the score; neighbours are joined until each block has `BLOCK_ROWS`."""
    order = np.argsort(score, kind="stable")
    sorted_score, sorted_loss = score[order].astype(float), loss[order].astype(float)
    uppers = [*_edges(sorted_score, sorted_loss, increasing), len(score)]
    parts = [slice(start, end) for start, end in pairwise([0, *uppers])]
    return [
        Block(
            upper=_between(sorted_score, part.stop),
            rows=part.stop - part.start,
            mean=float(sorted_loss[part].mean()),
            variance=float(sorted_loss[part].var(ddof=1)),
        )
        for part in parts
    ]


def _edges(score: Floats, loss: Floats, increasing: bool) -> Iterator[int]:
    """Where, in the order of the score, one block ends and another begins."""
    fitted = IsotonicRegression(increasing=increasing).fit_transform(score, loss)
    start = 0
    for edge in (np.flatnonzero(np.diff(fitted)) + 1).tolist():
        if edge - start >= BLOCK_ROWS and len(score) - edge >= BLOCK_ROWS:
            yield edge
            start = edge


def _between(score: Floats, edge: int) -> float:
    """Halfway to the next block, since a score comes in float32 one day and in float64 another."""
    return float(score[-1] if edge == len(score) else (score[edge - 1] + score[edge]) / 2)


def make_class_map(probability: NDArray[Any], belongs: NDArray[Any]) -> ClassMap:
    """How often rows were of a class, by the probability that the model gave it: a point a block, at its mean."""
    blocks = make_blocks(probability, belongs)
    number = np.searchsorted([block.upper for block in blocks[:-1]], probability)
    means = np.bincount(number, weights=probability) / np.bincount(number)
    return ClassMap(
        tuple(means.tolist()),
        tuple(block.mean for block in blocks),
        tuple(block.rows for block in blocks),
    )
