"""The levels of one column beside their reference: effect, chance, and what the page draws."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitoring.drift.chance import REFERENCE_WEIGHT, weigh
from monitoring.drift.comparison import Comparison, percent, rounded
from monitoring.drift.numbers import Subject
from service.bundle.reference import CategoryProfile
from training.metrics.effects import category_effect

Counts = NDArray[np.float64]

#: Fewer expected rows of a level are joined: chi-square is not true of them.
LEAST_EXPECTED = 5.0
#: What the page draws at most; the others are one level.
MOST_LEVELS = 30


class Table(NamedTuple):
    """The counts of two samples by level, those in both absent left out."""

    window: Counts
    reference: Counts


def count_levels(codes: NDArray[Any], levels: int) -> Counts:
    """`codes` hold no nulls."""
    counts = np.bincount(np.asarray(codes).astype(np.intp), minlength=levels)[:levels]
    return np.asarray(counts, dtype=np.float64)


def compare_levels(
    subject: Subject, window: Counts, profile: CategoryProfile, former: Counts | None = None
) -> Comparison:
    """Neither the window's counts nor the profile's are all 0."""
    reference = np.array(list(profile.counts.values()), dtype=np.float64)
    effect = category_effect(window, reference)
    table = present_levels(window, reference)
    names = tuple(profile.counts)
    shares, before = window / window.sum(), reference / reference.sum()
    drawn = _levels(names, before, shares, former)
    details: dict[str, Any] = {
        "levels": drawn,
        "reference_rows": int(reference.sum()),
        # Of the drawn levels, which are the same ones in every window of a version.
        "direction": rounded(np.subtract(drawn["window"], drawn["reference"])),
    }
    if former is not None and former.sum():
        details["former_effect"] = category_effect(former, reference)
    moved = int(np.argmax(np.abs(shares - before)))
    change = f"{names[moved]!r} had {percent(before[moved])}, now {percent(shares[moved])}"
    return Comparison(
        *subject[:2],
        rows=int(window.sum()),
        effect=effect,
        p=tail_of_levels(table),
        floor=subject.floor,
        least_effect=lambda level: least_level_effect(table, level),
        change=change,
        details=details,
    )


def present_levels(window: Counts, reference: Counts) -> Table:
    present = window + reference > 0
    return Table(window[present], reference[present])


def tail_of_levels(table: Table) -> float:
    """Chi-square of the common levels; a rare one by itself, else a level new to the window would be joined away.

    With rare levels there are two tests of one question: the smaller p counts twofold.
    """
    rare = _rare(table)
    common = _chi_square_tail(table, rare)
    return min(1.0, 2 * min(common, _rare_tail(table, rare))) if rare.any() else common


def least_level_effect(table: Table, level: float) -> float:
    """The divergence of close shares is an eighth of chi-square's distance."""
    freedom = len(_joined(table, _rare(table)).window) - 1
    if freedom < 1:
        return 1.0
    per_row = 1 / table.window.sum() + 1 / table.reference.sum()
    both = special.chdtri(freedom, level) * per_row
    alone = special.chdtri(freedom, level / REFERENCE_WEIGHT) / table.reference.sum()
    return math.sqrt(max(both, alone) / 8)


def _share(table: Table) -> float:
    """Of the rows, how many are the window's."""
    return float(table.window.sum() / (table.window.sum() + table.reference.sum()))


def _rare(table: Table) -> NDArray[np.bool_]:
    share = min(_share(table), 1 - _share(table))
    return np.asarray((table.window + table.reference) * share < LEAST_EXPECTED)


def _joined(table: Table, rare: NDArray[np.bool_]) -> Table:
    """Rare levels as one, which joins the smallest other where it is still rare."""
    if not rare.any():
        return table
    window = np.append(table.window[~rare], table.window[rare].sum())
    reference = np.append(table.reference[~rare], table.reference[rare].sum())
    if len(window) > 1 and _rare(Table(window, reference))[-1]:
        least = int(np.argmin((window + reference)[:-1]))
        window[least] += window[-1]
        reference[least] += reference[-1]
        window, reference = window[:-1], reference[:-1]
    return Table(window, reference)


def _chi_square_tail(table: Table, rare: NDArray[np.bool_]) -> float:
    joined = _joined(table, rare)
    if len(joined.window) < 2:
        return 1.0
    observed = np.array(joined)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    chi_square = float(((observed - expected) ** 2 / expected).sum())
    freedom = len(joined.window) - 1
    # Were the window endless, chi-square of the same shares would grow by so much.
    alone = chi_square / _share(table)
    return weigh(float(special.chdtrc(freedom, chi_square)), float(special.chdtrc(freedom, alone)))


def _rare_tail(table: Table, rare: NDArray[np.bool_]) -> float:
    """That a rare level's rows fell into the window or into the reference by chance; the least p of all such levels."""
    window, reference = table.window[rare].astype(np.int64), table.reference[rare].astype(np.int64)
    share, rows = _share(table), int(table.reference.sum())
    both = np.minimum(
        special.bdtr(window, window + reference, share),
        special.bdtr(reference, window + reference, 1 - share),
    )
    alone = special.bdtr(reference, rows, window / table.window.sum())
    tails = np.maximum(2 * both, REFERENCE_WEIGHT * np.where(window > 0, alone, 1.0))
    return float(min(1.0, tails.min() * rare.sum()))


def _levels(
    names: tuple[str, ...], before: Counts, shares: Counts, former: Counts | None
) -> dict[str, list[Any]]:
    """Shares by level, the largest of the reference first; the rest as one."""
    order = np.argsort(-before, kind="stable")
    first = order[:MOST_LEVELS]
    rest = order[MOST_LEVELS:]
    sides = {"reference": before, "window": shares}
    if former is not None and former.sum():
        sides["former"] = former / former.sum()
    drawn: dict[str, list[Any]] = {
        "names": [names[level] for level in first] + ([f"{len(rest)} others"] if len(rest) else [])
    }
    for side, values in sides.items():
        others = [values[rest].sum()] if len(rest) else []
        drawn[side] = rounded([*values[first], *others])
    return drawn
