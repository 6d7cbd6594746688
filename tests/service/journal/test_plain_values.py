"""Numbers as people wrote them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.journal.plain_values import shortest


@given(st.floats(width=32, allow_nan=False))
def test_the_shortest_number_means_the_same(number: float) -> None:
    assert np.float32(shortest(number)) == np.float32(number)
    assert len(repr(shortest(number))) <= len(repr(number))
