"""Whether columns still belong together: a classifier that tells window from reference, and the pairs that changed.

Every column can look right by itself while their relation has changed. Trees see any difference, but need 500 rows;
rank correlations see less, need fewer rows, and name the pair.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from monitoring.drift.comparison import unknown
from monitoring.findings.values import Finding
from service.bundle.contract import Matrix
from service.bundle.reference import Reference

Floats = NDArray[np.float64]

#: A side, so that it costs the same whatever a window holds.
MOST_ROWS = 2_000
LEAST_ROWS = 500
LEAST_AUC = 0.60
#: Above what chance gives an AUC, in its deviations.
DEVIATIONS = 4.2
#: Columns that the classifier and the correlations take: those of most importance. It bounds the time.
MOST_COLUMNS = 100
#: A pair has changed from this difference of its correlations, and at this level over all pairs. The reference's
#: rows are the same in every window, so that N of M windows do not forgive a wrong level.
LEAST_DIFFERENCE = 0.1
PAIR_LEVEL = 0.001
#: A rank correlation's variance beside that of a product-moment one.
RANKS = 1.06
MOST_PAIRS = 10


class Sides(NamedTuple):
    """The same columns of both samples."""

    names: tuple[str, ...]
    reference: Floats
    window: Floats


class Pair(NamedTuple):
    """Two columns with their rank correlation before and now."""

    first: str
    second: str
    before: float
    now: float
    p: float


def judge_relation(
    names: tuple[str, ...],
    matrix: Matrix,
    reference: Reference,
    least_rows: int,
    left_out: dict[str, str],
    seed: int = 0,
) -> Finding:
    """`left_out` has the columns that may not be compared, with the reason of each."""
    if not reference.sample:
        return unknown("relation", "", "no reference: it holds no whole rows", len(matrix))
    sides = _sides(names, matrix, reference, left_out)
    rows = len(sides.window)
    if len(sides.names) < 2:
        return unknown("relation", "", "fewer than two columns may be compared", rows)
    if min(rows, len(sides.reference)) < least_rows:
        return unknown("relation", "", "not enough rows", rows)
    pairs = changed_pairs(sides)
    enough = min(rows, len(sides.reference)) >= LEAST_ROWS
    area = _area_under_curve(sides, seed) if enough else None
    bound = least_area(rows, len(sides.reference))
    told_apart = area is not None and area >= bound
    return Finding(
        kind="relation",
        verdict="raised" if told_apart or pairs else "ok",
        reason=_reason(area if told_apart else None, pairs),
        value=area,
        bound=bound,
        visible=bound if enough else None,
        rows=rows,
        details={
            "pairs": [pair._asdict() for pair in pairs[:MOST_PAIRS]],
            "pairs_changed": len(pairs),
            "columns": len(sides.names),
            "left_out": dict(list(left_out.items())[:MOST_COLUMNS]),
            "classifier": "" if enough else f"it needs {LEAST_ROWS} rows a side",
            "reference_rows": len(sides.reference),
        },
    )


def least_area(rows: int, reference: int) -> float:
    """The AUC from which window and reference differ; its deviation without drift is that of two folds' mean."""
    first, second = rows / 2, reference / 2
    deviation = np.sqrt((first + second + 1) / (24 * first * second))
    return float(max(LEAST_AUC, 0.5 + DEVIATIONS * deviation))


def changed_pairs(sides: Sides) -> list[Pair]:
    """The most changed first. Fisher's z of both samples, Bonferroni over pairs."""
    before, now = _rank_correlations(sides.reference), _rank_correlations(sides.window)
    rows, columns = np.triu_indices(len(sides.names), 1)
    old, new = before[rows, columns], now[rows, columns]
    defined_pairs = np.isfinite(old) & np.isfinite(new)
    spread = np.sqrt(RANKS / (len(sides.reference) - 3) + RANKS / (len(sides.window) - 3))
    scores = np.abs(_fisher(new) - _fisher(old)) / spread
    p_values = np.where(defined_pairs, 2 * special.ndtr(-scores), 1.0)
    changed = (p_values * max(int(defined_pairs.sum()), 1) <= PAIR_LEVEL) & (
        np.abs(np.where(defined_pairs, new - old, 0.0)) >= LEAST_DIFFERENCE
    )
    order = np.flatnonzero(changed)[np.argsort(p_values[changed], kind="stable")]
    return [
        Pair(
            sides.names[rows[place]],
            sides.names[columns[place]],
            round(float(old[place]), 3),
            round(float(new[place]), 3),
            float(p_values[place]),
        )
        for place in order
    ]


def _sides(
    names: tuple[str, ...], matrix: Matrix, reference: Reference, left_out: dict[str, str]
) -> Sides:
    """At most `MOST_ROWS` and `MOST_COLUMNS`, without columns that have no value on either side."""
    sample = reference.matrix[:MOST_ROWS].astype(np.float64)
    rows = matrix[:: max(1, -(-len(matrix) // MOST_ROWS))].astype(np.float64)
    places = [
        place
        for place, name in enumerate(names)
        if name not in left_out
        and not (np.isnan(sample[:, place]).all() or np.isnan(rows[:, place]).all())
    ]
    places.sort(key=lambda place: -reference.importance.get(names[place], 0.0))
    places = sorted(places[:MOST_COLUMNS])
    return Sides(tuple(names[place] for place in places), sample[:, places], rows[:, places])


def _area_under_curve(sides: Sides, seed: int) -> float:
    """The mean over two folds; 0.5 where nothing tells them apart."""
    rows = np.concatenate([sides.reference, sides.window])
    labels = np.repeat([0, 1], [len(sides.reference), len(sides.window)])
    folds = StratifiedKFold(2, shuffle=True, random_state=seed)
    areas = []
    for training, other in folds.split(rows, labels):
        trees = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=seed
        )
        # Trees so small gain nothing by threads; on busy cores threads that wait for each other take minutes.
        with threadpool_limits(1, user_api="openmp"):
            trees.fit(rows[training], labels[training])
            scores = trees.predict_proba(rows[other])[:, 1]
        areas.append(roc_auc_score(labels[other], scores))
    return float(np.mean(areas))


def _rank_correlations(rows: Floats) -> Floats:
    """A null has the middle rank: it says nothing of a pair. NaN for a constant column."""
    ranks = stats.rankdata(rows, axis=0, nan_policy="omit")
    ranks = np.where(np.isnan(ranks), np.nanmean(ranks, axis=0), ranks)
    centred = ranks - ranks.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, norms, out=np.full_like(centred, np.nan), where=norms > 0)
    return np.asarray(scaled.T @ scaled)


def _fisher(correlations: Floats) -> Any:
    """Two columns that are copies have no finite z; none is far enough from them to matter."""
    return np.arctanh(np.clip(correlations, -0.999, 0.999))


def _reason(area: float | None, pairs: list[Pair]) -> str:
    parts = []
    if area is not None:
        parts.append(f"a classifier tells window from reference, AUC {area:.2f}")
    if pairs:
        first = pairs[0]
        parts.append(
            f"{first.first} and {first.second} were correlated by {first.before:.2f}, now {first.now:.2f}"
        )
    return "; ".join(parts)
