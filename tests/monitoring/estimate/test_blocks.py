"""The mean loss by blocks of like score, and its variance."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.estimate.blocks import estimate_by_blocks, share_in_small_blocks
from service.bundle.reference import Block

BLOCKS = (Block(0.5, 100, 0.6, 0.24), Block(1.0, 400, 0.9, 0.09))


def test_rows_have_the_mean_loss_of_their_blocks():
    estimate = estimate_by_blocks(np.array([0.1, 0.7, 0.8, 1.0]), BLOCKS, shares=False)
    assert estimate.mean == pytest.approx(0.25 * 0.6 + 0.75 * 0.9)
    assert estimate.expected.tolist() == [0.6, 0.9, 0.9, 0.9]


def test_the_variance_is_of_the_rows_and_of_the_held_out_rows():
    variance = estimate_by_blocks(np.array([0.1, 0.7, 0.8, 1.0]), BLOCKS, shares=False).variance
    of_rows = (0.25 * 0.24 + 0.75 * 0.09) / 4
    of_held_out = 0.25**2 * 0.24 / 100 + 0.75**2 * 0.09 / 400
    assert variance == pytest.approx(of_rows + of_held_out)


def test_a_score_on_an_edge_is_of_the_block_below():
    assert estimate_by_blocks(np.array([0.5]), BLOCKS, shares=False).mean == 0.6


def test_a_block_that_was_always_right_may_be_wrong_once():
    always = (Block(1.0, 50, 1.0, 0.0),)
    assert estimate_by_blocks(np.ones(100), always, shares=True).variance > 0
    assert estimate_by_blocks(np.ones(100), always, shares=False).variance == 0


def test_a_score_that_comes_back_a_little_above_itself_is_not_beyond():
    assert share_in_small_blocks(np.full(10, 0.98 + 1e-8), (Block(0.98, 100, 1.0, 0.0),), 50) == 0


def test_rows_beyond_the_last_block_and_in_small_ones_are_counted():
    blocks = (Block(0.5, 100, 0.6, 0.24), Block(1.0, 20, 0.9, 0.09))
    assert share_in_small_blocks(np.array([0.1, 0.2, 0.7, 1.5]), blocks, 50) == 0.5
    assert share_in_small_blocks(np.array([0.1, 0.2, 0.3, 1.5]), blocks, 50) == 0.25
