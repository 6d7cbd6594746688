"""Figures of groups of rows, side by side: whom a class is given to, how often wrongly, how far numbers miss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.bundle.contract import Task
from service.bundle.manifest import Metric as Interval
from training.common.numbers import number
from training.metrics.metric import Rows, Scored, with_intervals

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
DIFFERENCE, RATIO = "difference", "ratio"
#: A figure, and a group's number or what is said of all groups.
Key = tuple[str, int | str]


class Figure(NamedTuple):
    """A mean over those rows of a group that count for it."""

    name: str
    title: str
    #: From the answers and the positive class's number: a number for each row, and which rows count.
    of_rows: Callable[[Scored, int], tuple[NDArray[Any], Mask]]
    #: Whether it judges the model; else it is a fact about the rows.
    judges: bool = True

    @property
    def is_share(self) -> bool:
        return self.name.endswith("_rate")

    def shown(self, value: float) -> str:
        return f"{value:.1%}" if self.is_share else number(value)


def _all(scored: Scored) -> Mask:
    return np.ones(len(scored.truth), dtype=bool)


FIGURES: dict[Task, tuple[Figure, ...]] = {
    "classification": (
        Figure(
            "true_rate",
            "truly {positive}",
            lambda scored, positive: (scored.truth == positive, _all(scored)),
            judges=False,
        ),
        Figure(
            "selection_rate",
            "called {positive}",
            lambda scored, positive: (scored.values == positive, _all(scored)),
        ),
        Figure(
            "true_positive_rate",
            "of those truly {positive}, called so",
            lambda scored, positive: (scored.values == positive, scored.truth == positive),
        ),
        Figure(
            "false_positive_rate",
            "of the others, called {positive}",
            lambda scored, positive: (scored.values == positive, scored.truth != positive),
        ),
    ),
    "regression": (
        Figure(
            "mean_error",
            "predicted less true, in the mean",
            lambda scored, _: (scored.values - scored.truth, _all(scored)),
        ),
        Figure(
            "mae",
            "mean absolute error",
            lambda scored, _: (np.abs(scored.values - scored.truth), _all(scored)),
        ),
    ),
    "optimization": (),
}


def judging(task: Task) -> tuple[str, ...]:
    """The names of the figures that a gate may bound."""
    return tuple(figure.name for figure in FIGURES[task] if figure.judges)


class Grouped(NamedTuple):
    """The groups of some rows by name, and each row's number among them: -1 where it is of none."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]


class Group(msgspec.Struct, frozen=True):
    """One group's figures: those of enough rows."""

    name: str
    rows: int
    figures: dict[str, Interval]


class Gap(msgspec.Struct, frozen=True):
    """How far apart the groups lie by one figure, and which groups have the least and the largest."""

    difference: Interval
    #: The least as a share of the largest; of shares alone.
    ratio: Interval | None
    least: str
    largest: str


class GroupFigures(msgspec.Struct, frozen=True):
    """Groups of enough rows; of the others and of rows of no group only how many there are."""

    groups: tuple[Group, ...]
    gaps: dict[str, Gap]
    small_groups: int
    rows_without: int

    def values_of(self, figure: str) -> dict[str, float]:
        """The values of one figure, by group."""
        return {
            group.name: group.figures[figure].value
            for group in self.groups
            if figure in group.figures
        }


class _Prepared(NamedTuple):
    """A figure of each row, and the groups that have enough rows which count."""

    figure: Figure
    values: Numbers
    counted: Mask
    enough: NDArray[np.intp]


def measure_groups(
    figures: Sequence[Figure],
    scored: Scored,
    grouped: Grouped,
    positive: int,
    *,
    least: int,
    seed: int = 0,
    in_order: bool = False,
) -> GroupFigures:
    """Every figure of each group with at least `least` rows that count for it, with 95 % bootstrap intervals."""
    rows = np.bincount(grouped.codes[grouped.codes >= 0], minlength=len(grouped.names))
    prepared = [_prepare(figure, scored, grouped, positive, least) for figure in figures]

    def compute(drawn: Rows) -> dict[Key, float]:
        values: dict[Key, float] = {}
        for part in prepared:
            values |= _compute(part, grouped, drawn)
        return values

    intervals = with_intervals(compute, len(scored.truth), seed, in_order=in_order)
    groups = tuple(
        Group(grouped.names[code], int(rows[code]), _of_group(prepared, intervals, code))
        for code in np.flatnonzero(rows >= least).tolist()
    )
    gaps = {
        part.figure.name: _gap(part, grouped, intervals)
        for part in prepared
        if part.figure.judges and len(part.enough) > 1
    }
    small = int(((rows > 0) & (rows < least)).sum())
    return GroupFigures(groups, gaps, small, int((grouped.codes < 0).sum()))


def _prepare(
    figure: Figure, scored: Scored, grouped: Grouped, positive: int, least: int
) -> _Prepared:
    values, counted = figure.of_rows(scored, positive)
    counted = counted & (grouped.codes >= 0)
    rows = np.bincount(grouped.codes[counted], minlength=len(grouped.names))
    return _Prepared(
        figure, np.asarray(values, dtype=np.float64), counted, np.flatnonzero(rows >= least)
    )


def _compute(part: _Prepared, grouped: Grouped, drawn: Rows) -> dict[Key, float]:
    drawn = drawn[part.counted[drawn]]
    codes, groups = grouped.codes[drawn], len(grouped.names)
    rows = np.bincount(codes, minlength=groups)[part.enough]
    sums = np.bincount(codes, part.values[drawn], groups)[part.enough]
    means = np.divide(sums, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    name = part.figure.name
    figures: dict[Key, float] = {
        (name, code): float(mean) for code, mean in zip(part.enough.tolist(), means, strict=True)
    }
    present = means[~np.isnan(means)]
    low, high = (present.min(), present.max()) if len(present) > 1 else (np.nan, np.nan)
    # Where no group has any, they are alike.
    ratio = low / high if high != 0 else 1.0
    return figures | {(name, DIFFERENCE): float(high - low), (name, RATIO): float(ratio)}


def _of_group(
    prepared: Sequence[_Prepared], intervals: dict[Key, Interval], code: int
) -> dict[str, Interval]:
    return {
        part.figure.name: intervals[part.figure.name, code]
        for part in prepared
        if code in part.enough
    }


def _gap(part: _Prepared, grouped: Grouped, intervals: dict[Key, Interval]) -> Gap:
    name = part.figure.name
    order = sorted(part.enough.tolist(), key=lambda code: intervals[name, code].value)
    return Gap(
        intervals[name, DIFFERENCE],
        intervals[name, RATIO] if part.figure.is_share else None,
        grouped.names[order[0]],
        grouped.names[order[-1]],
    )
