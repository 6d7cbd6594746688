"""How often a shift is found, in one window and after two of three: ours and Evidently's on the same windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from service.bundle.reference import Reference
from tests.bench.silence.peers import frame, is_raised_by_evidently
from tests.bench.silence.population import LEVEL_NAMES, LEVELS, NAMES, draw
from tests.bench.silence.windows import (
    CONTRACT,
    TRIPLE,
    Rate,
    alarmed,
    judge_ours,
    raised_columns,
)
from tests.support.monitoring.windows import reference_of
from training.metrics.effects import category_effect, number_effect, quantiles_of

Floats = NDArray[np.float64]
Change = Callable[[Floats, float, np.random.Generator], Floats]

REFERENCE_ROWS = 20_000
TRIPLES_A_REFERENCE = 20
#: The rows by which the amount of a shift is sought that has an effect.
MEASURED_ROWS = 200_000


def _mean(values: Floats, amount: float, _: np.random.Generator) -> Floats:
    return values + amount


def _spread(values: Floats, amount: float, _: np.random.Generator) -> Floats:
    """About the mean of the population's gamma."""
    return 2.0 + (values - 2.0) * (1 + amount)


def _scale(values: Floats, amount: float, _: np.random.Generator) -> Floats:
    return values * (1 + amount)


def _levels(values: Floats, amount: float, random: np.random.Generator) -> Floats:
    """So large a share of all rows goes from the most frequent level to the fourth."""
    first = np.mean(values == 0)
    moves = (values == 0) & (random.random(len(values)) < amount / max(first, 1e-9))
    return np.where(moves, 3.0, values)


class Shift(NamedTuple):
    title: str
    column: str
    change: Change
    most: float


SHIFTS = (
    Shift("normal, mean", "normal", _mean, 2.0),
    Shift("gamma, spread", "gamma", _spread, 2.0),
    Shift("lognormal, scale", "lognormal", _scale, 2.0),
    Shift("category of 8, share", "category_8", _levels, 0.23),
)


class Found(NamedTuple):
    """Of windows with this shift and effect."""

    window: Rate
    alarm: Rate
    evidently_window: Rate
    evidently_alarm: Rate


def amount_of(shift: Shift, effect: float) -> float:
    """By bisection, on rows of the population."""
    random = np.random.default_rng(0)
    values = draw(MEASURED_ROWS, random)[:, NAMES.index(shift.column)]
    low, high = 0.0, shift.most
    for _ in range(14):
        middle = (low + high) / 2
        if _effect(shift, values, middle) < effect:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _effect(shift: Shift, values: Floats, amount: float) -> float:
    changed = shift.change(values, amount, np.random.default_rng(1))
    if shift.column in LEVEL_NAMES:
        size = len(LEVEL_NAMES[shift.column])
        return category_effect(
            *(np.bincount(each.astype(int), minlength=size) for each in (changed, values))
        )
    return number_effect(changed, quantiles_of(values), float(values.std()))


class Hits(NamedTuple):
    """Of one triple: windows that raised the column, and whether two of three did; ours, then Evidently's."""

    windows: int
    alarm: bool
    their_windows: int
    their_alarm: bool


def power(
    shift: Shift, effect: float, rows: int, triples: int, seed: int, with_evidently: bool = True
) -> Found:
    """Without Evidently, its shares are 0."""
    random = np.random.default_rng([seed, rows, round(1_000 * effect), len(shift.title)])
    amount = amount_of(shift, effect)
    hits: list[Hits] = []
    for first in range(0, triples, TRIPLES_A_REFERENCE):
        reference_rows = draw(REFERENCE_ROWS, random)
        reference = reference_of(CONTRACT, reference_rows)
        table = frame(reference_rows) if with_evidently else None
        for _ in range(min(TRIPLES_A_REFERENCE, triples - first)):
            windows = _shifted_windows(shift, amount, rows, random)
            hits.append(_hits(shift.column, windows, reference, table))
    windows_a_triple = triples * TRIPLE
    return Found(
        Rate(sum(each.windows for each in hits), windows_a_triple),
        Rate(sum(each.alarm for each in hits), triples),
        Rate(sum(each.their_windows for each in hits), windows_a_triple),
        Rate(sum(each.their_alarm for each in hits), triples),
    )


def _shifted_windows(
    shift: Shift, amount: float, rows: int, random: np.random.Generator
) -> list[Floats]:
    windows, place = [draw(rows, random) for _ in range(TRIPLE)], NAMES.index(shift.column)
    for window in windows:
        window[:, place] = shift.change(window[:, place], amount, random)
    return windows


def _hits(
    column: str, windows: list[Floats], reference: Reference, table: pd.DataFrame | None
) -> Hits:
    judged = judge_ours(windows, reference)
    theirs = 0
    if table is not None:
        theirs = sum(
            is_raised_by_evidently(column in LEVELS, table[column], frame(window)[column])
            for window in windows
        )
    return Hits(
        sum(column in raised_columns(window) for window in judged),
        ("drift", column) in alarmed(judged),
        theirs,
        theirs >= 2,
    )
