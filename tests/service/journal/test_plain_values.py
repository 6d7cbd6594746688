"""Numbers as people wrote them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.journal.plain_values import shortest


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False))
def test_the_shortest_number_means_the_same(number: float) -> None:
    assert np.float32(shortest(number)) == np.float32(number)
    # Of whole numbers the digits that mean something count, and not the noughts behind them.
    assert len(repr(shortest(number)).rstrip("0.")) <= len(repr(number).rstrip("0."))
