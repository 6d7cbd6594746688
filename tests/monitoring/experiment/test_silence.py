"""A short form of tests/bench/experiments: no more wrong verdicts than stated, where a z-test at each look has many.

A sequence that does not hold breaks these bounds, beyond which chance brings it in one of 1,000 draws.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.experiments.simulated import RAMP, Outcome, Plan, run_events, run_shadow, run_split

RUNS = 100
#: Of 100 runs at 3 %, 9 or more in one of 1,000; at 1 %, 5.
MOST_AT_3, MOST_AT_1 = 9, 5


def verdicts(outcomes: list[Outcome]) -> int:
    return sum(outcome.rows is not None for outcome in outcomes)


def z_verdicts(outcomes: list[Outcome]) -> int:
    return sum(outcome.z_rows is not None for outcome in outcomes)


def generators() -> list[np.random.Generator]:
    return [np.random.default_rng([11, number]) for number in range(RUNS)]


@pytest.mark.parametrize("shares", [(0.05,), (0.5,), RAMP])
def test_by_rows(shares: tuple[float, ...]):
    plan = Plan(shares, windows=40)
    outcomes = [run_split(plan, random) for random in generators()]
    assert verdicts(outcomes) <= MOST_AT_3 and z_verdicts(outcomes) > 15


def test_by_subjects_and_not_by_their_rows():
    plan = Plan(RAMP, windows=30, subject_rows=20)
    randoms = generators()[:60]
    outcomes = [run_split(plan, random) for random in randoms]
    assert verdicts(outcomes) <= 7
    by_rows = [
        run_split(plan._replace(units_are_rows=True), random) for random in generators()[:60]
    ]
    assert verdicts(by_rows) > 7


def test_in_shadow():
    outcomes = [run_shadow(0.0, 0.1, 200, 40, random) for random in generators()]
    assert verdicts(outcomes) <= MOST_AT_3 and z_verdicts(outcomes) > 15


def test_of_errors():
    outcomes = [run_events(0.02, 0.02, Plan(RAMP, windows=60), random) for random in generators()]
    assert verdicts(outcomes) <= MOST_AT_1 and z_verdicts(outcomes) > 15


def test_what_is_there_is_found():
    plan = Plan((0.5,), gain=0.05, windows=60)
    outcomes = [run_split(plan, random) for random in generators()[:20]]
    assert sum(outcome.verdict == "better" for outcome in outcomes) >= 18
    failing = [run_events(0.0, 0.2, Plan((0.05,), rows=20), random) for random in generators()[:20]]
    assert all(outcome.verdict == "worse" and outcome.rows for outcome in failing)
