"""The mean loss of rows by blocks of like score, as held-out rows had it, with its variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.bundle.reference import Block

Floats = NDArray[np.float64]


class BlockEstimate(NamedTuple):
    """`expected` is each row's loss, `mean` the mean of them; `variance` is of the later mean loss less `mean`."""

    mean: float
    variance: float
    expected: Floats


def estimate_by_blocks(
    scores: NDArray[Any], blocks: Sequence[Block], shares: bool
) -> BlockEstimate:
    """`shares`: a loss is 0 or 1.

    Two parts of variance: the rows' own chance, and that the blocks' means come from so many held-out rows.
    """
    members = _members(scores, blocks)
    means = np.array([block.mean for block in blocks])
    sizes = np.array([block.rows for block in blocks], np.float64)
    spreads = np.array([block.variance for block in blocks])
    if shares:
        # A block whose rows were all right has no variance of its own, yet the next row may be wrong.
        smoothed = (means * sizes + 1) / (sizes + 2)
        spreads = np.maximum(spreads, smoothed * (1 - smoothed))
    weights = np.bincount(members, minlength=len(blocks)) / len(scores)
    variance = np.sum(weights * spreads) / len(scores) + np.sum(weights**2 * spreads / sizes)
    return BlockEstimate(float(np.sum(weights * means)), float(variance), means[members])


def share_in_small_blocks(scores: NDArray[Any], blocks: Sequence[Block], least: int) -> float:
    """The share of rows in blocks of fewer held-out rows, or beyond the last block, where there are none."""
    sizes = np.array([*(block.rows for block in blocks), 0])
    upper = blocks[-1].upper
    # The score of many rows, of a tree's leaf, may come back from the journal a little above itself.
    beyond = np.asarray(scores, np.float64) > upper + abs(upper) * 1e-5
    return float(np.mean(sizes[np.where(beyond, len(blocks), _members(scores, blocks))] < least))


def _members(scores: NDArray[Any], blocks: Sequence[Block]) -> NDArray[np.intp]:
    """The block of each row; beyond the last block, that block."""
    uppers = np.array([block.upper for block in blocks])
    return np.minimum(np.searchsorted(uppers, np.asarray(scores, np.float64)), len(blocks) - 1)
