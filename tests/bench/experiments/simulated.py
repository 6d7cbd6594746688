"""Experiments drawn by chance, looked at after every window: when each gives its verdict, and what a z-test would say.

Losses are 1 for a wrong row. What the product computes from the journal is computed here from the same sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.experiment.comparisons import compare_events, compare_pairs, compare_quality
from monitoring.experiment.statistics import rare_events
from monitoring.experiment.statistics.differences import Sums
from monitoring.experiment.statistics.paired import Pairs
from monitoring.experiment.statistics.rare_events import RATIOS, Counts
from monitoring.experiment.values import ERRORS_LEVEL

#: Shares of the challenger, each for the same part of the windows.
RAMP = (0.05, 0.25, 0.5)
#: No margin: whatever is told apart is a verdict.
MARGIN = 0.0
#: Two-sided 5 %.
Z = 1.96


class Outcome(NamedTuple):
    """After how many rows there was a verdict, if ever, and which; likewise by a z-test."""

    verdict: str
    rows: int | None
    z_rows: int | None


class Plan(NamedTuple):
    """`wrong` is the champion's share of wrong rows, `gain` by how much less the challenger has."""

    shares: Sequence[float]
    wrong: float = 0.15
    gain: float = 0.0
    windows: int = 100
    rows: int = 200
    #: Rows of each subject, which keeps its arm; 1: each row is its own unit.
    subject_rows: int = 1
    units_are_rows: bool = False
    numbers: bool = False


def run_split(plan: Plan, random: np.random.Generator) -> Outcome:
    """One experiment, up to its verdict."""
    verdict, rows, z_rows, tuning = "undecided", None, None, None
    # Of rows in one stage the interval is that of the z-test, and wider: where that has 0 in it, so has ours.
    is_plain = len(plan.shares) == plan.subject_rows == 1
    for looks, (sums, plain) in enumerate(_windows(plan, random), 1):
        seen, z = looks * plan.rows, abs(z_of(plain))
        if rows is None and (z > Z or tuning is None or not is_plain):
            quality = compare_quality(sums, not plan.numbers, MARGIN, tuning)
            tuning = quality.tuning
            if quality.comparison.verdict != "undecided":
                verdict, rows = quality.comparison.verdict, seen
        if z_rows is None and z > Z:
            z_rows = seen
        if rows is not None and z_rows is not None:
            break
    return Outcome(verdict, rows, z_rows)


def z_of(plain: NDArray[np.float64]) -> float:
    """By arm rows, losses and squared losses: the usual test, by row and pooled over stages."""
    rows, losses, squares = plain.T
    if rows.min() < 50:
        return 0.0
    means = losses / rows
    spread = float(np.sum((squares / rows - means**2) / rows))
    return float((means[1] - means[0]) / math.sqrt(spread)) if spread else 0.0


def _windows(plan: Plan, random: np.random.Generator) -> Iterator[tuple[Sums, NDArray[np.float64]]]:
    if plan.subject_rows > 1:
        yield from _windows_of_subjects(plan, random)
        return
    stages = len(plan.shares)
    # By stage and arm: rows, losses, squared losses.
    cells = np.zeros((stages, 2, 3))
    for window in range(plan.windows):
        stage = window * stages // plan.windows
        challenger = random.random(plan.rows) < plan.shares[stage]
        losses = _losses(plan, random, challenger)
        for arm, chosen in enumerate((~challenger, challenger)):
            cells[stage, arm] += (chosen.sum(), losses[chosen].sum(), (losses[chosen] ** 2).sum())
        yield _sums_of_rows(cells), cells.sum(axis=0)


def _losses(
    plan: Plan, random: np.random.Generator, challenger: NDArray[np.bool_]
) -> NDArray[np.float64]:
    if plan.numbers:
        return random.lognormal(0.0, 1.0, len(challenger)) - plan.gain * challenger
    return (random.random(len(challenger)) < plan.wrong - plan.gain * challenger).astype(float)


def _sums_of_rows(cells: NDArray[np.float64]) -> Sums:
    stages = len(cells)
    rows, losses, squares = cells.reshape(-1, 3).T
    stage, arm = np.repeat(np.arange(stages), 2), np.tile([0, 1], stages)
    alone = np.full(2 * stages, -1)
    return Sums(stage, arm, alone, rows, rows, losses, rows, losses, squares)


def _windows_of_subjects(
    plan: Plan, random: np.random.Generator
) -> Iterator[tuple[Sums, NDArray[np.float64]]]:
    """Subjects come and come again, at any time; each has a chance of its own to be told wrongly."""
    stages = len(plan.shares)
    count = plan.windows * plan.rows // plan.subject_rows
    bucket = random.random(count)
    own = random.beta(plan.wrong * 2, (1 - plan.wrong) * 2, count)
    rows, losses = np.zeros((stages, count)), np.zeros((stages, count))
    cells = np.zeros((stages, 2, 3))
    for window in range(plan.windows):
        stage = window * stages // plan.windows
        subjects = random.integers(0, count, plan.rows)
        challenger = bucket < plan.shares[stage]
        wrong = (random.random(plan.rows) < own[subjects]).astype(float)
        np.add.at(rows[stage], subjects, 1)
        np.add.at(losses[stage], subjects, wrong)
        for arm, chosen in enumerate((~challenger[subjects], challenger[subjects])):
            cells[stage, arm] += (chosen.sum(), wrong[chosen].sum(), wrong[chosen].sum())
        if plan.units_are_rows:
            yield _sums_of_rows(cells), cells.sum(axis=0)
        else:
            arms = (bucket < np.array(plan.shares)[:, np.newaxis]).astype(np.intp)
            yield _sums_of_subjects(arms, rows, losses), cells.sum(axis=0)


def _sums_of_subjects(
    arms: NDArray[np.intp], rows: NDArray[np.float64], losses: NDArray[np.float64]
) -> Sums:
    stage, subject = np.nonzero(rows)
    count, loss = rows[stage, subject], losses[stage, subject]
    ones = np.ones(len(stage))
    return Sums(
        stage, arms[stage, subject], subject, ones, count, loss, count**2, count * loss, loss**2
    )


def run_shadow(
    gain: float, apart: float, rows: int, windows: int, random: np.random.Generator
) -> Outcome:
    """Both arms answer each row; in a share `apart` of them one alone is right."""
    verdict, found, z_rows, tuning = "undecided", None, None, None
    better = worse = 0
    for seen in range(rows, rows * windows + 1, rows):
        differ = random.binomial(rows, apart)
        wins = random.binomial(differ, 0.5 + gain / (2 * apart))
        better, worse = better + wins, worse + differ - wins
        if found is None:
            losses = (0.15 * seen, 0.15 * seen - (better - worse))
            pairs = _pairs(seen, better, worse)
            quality = compare_pairs(pairs, losses, (worse, better), True, MARGIN, tuning)
            tuning = quality.tuning
            if quality.comparison.verdict != "undecided":
                verdict, found = quality.comparison.verdict, seen
        if z_rows is None and abs(better - worse) > Z * math.sqrt(max(better + worse, 1)):
            z_rows = seen
    return Outcome(verdict, found, z_rows)


def _pairs(rows: int, better: int, worse: int) -> Pairs:
    """Each row is a unit."""
    whole, net, squares = (
        np.array([float(number)]) for number in (rows, better - worse, better + worse)
    )
    return Pairs(whole, whole, net, whole, net, squares)


def run_events(
    champion: float,
    challenger: float,
    plan: Plan,
    random: np.random.Generator,
) -> Outcome:
    """Requests that fail at these rates, counted after every window. A verdict is one that the challenger is worse."""
    factors, totals = np.zeros(len(RATIOS)), np.zeros(4)
    verdict, found, z_rows, stages = "undecided", None, None, len(plan.shares)
    for window in range(plan.windows):
        served = random.binomial(plan.rows, plan.shares[window * stages // plan.windows])
        counts = np.array(
            [
                plan.rows - served,
                served,
                random.binomial(plan.rows - served, champion),
                random.binomial(served, challenger),
            ],
            float,
        )
        totals += counts
        factors += rare_events.log_factors(Counts(*counts.tolist()))
        seen = (window + 1) * plan.rows
        if found is None:
            whole = compare_events("errors", Counts(*totals.tolist()), factors, ERRORS_LEVEL)
            if whole.verdict != "undecided":
                verdict, found = whole.verdict, seen
        plain = np.column_stack([totals[:2], totals[2:], totals[2:]])
        if z_rows is None and abs(z_of(plain)) > Z:
            z_rows = seen
        if found is not None and z_rows is not None:
            break
    return Outcome(verdict, found, z_rows)
