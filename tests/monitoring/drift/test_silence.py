"""Silent without drift, and not deaf: a few windows of what `python -m tests.bench.silence` measures with thousands."""

from __future__ import annotations

import pytest

from tests.bench.silence import ours, power

SEED = 7


@pytest.mark.parametrize(
    ("rows", "reference_rows", "triples"), [(200, 20_000, 60), (200, 1_000, 10), (2_000, 1_000, 15)]
)
def test_windows_of_the_population_raise_no_alarm(
    rows: int, reference_rows: int, triples: int
) -> None:
    (cell,) = ours.silence([rows], reference_rows, triples, SEED)
    assert cell.alarms.hits == 0
    # Of a window's own verdict q of the windows is the level; the interval holds it.
    assert cell.windows.interval[0] <= 0.1


def test_a_quarter_of_a_deviation_is_found_with_two_hundred_rows() -> None:
    outcome = power.power(power.SHIFTS[0], 0.25, 200, triples=30, seed=SEED, with_evidently=False)
    assert outcome.alarm.share >= 0.8


@pytest.mark.parametrize("shift", power.SHIFTS, ids=lambda shift: shift.title)
def test_what_is_half_beyond_the_floor_is_found_with_two_thousand_rows(shift: power.Shift) -> None:
    outcome = power.power(shift, 0.15, 2_000, triples=3, seed=SEED, with_evidently=False)
    assert outcome.alarm.hits == 3
