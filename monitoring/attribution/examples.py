"""Rows of a window to look at, as people read them, without any sensitive value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.window.values import TruthRows, Window, answers_of
from service.bundle.contract import Contract, Part
from service.bundle.reference import CategoryProfile, NumberProfile, Reference
from service.bundle.rows.times import EPOCH

EXAMPLES = 5
#: A truth that only another version can be right about.
NO_CLASS = "no class of this version"


def worst_rows(truth_rows: TruthRows, contract: Contract) -> list[dict[str, Any]]:
    """Those that were most wrong: of classes the surest of the wrong ones, of numbers the greatest errors."""
    values, truth = answers_of(truth_rows.values), truth_rows.truth
    if contract.classes:
        wrong = np.flatnonzero(values != truth)
        order = wrong[np.argsort(-_sureness(truth_rows)[wrong], kind="stable")]
    else:
        order = np.argsort(-np.abs(values - truth), kind="stable")
    return [
        {
            "row": decoded(truth_rows.matrix[row], contract),
            "prediction": _label(values[row], contract),
            "truth": _label(truth[row], contract),
        }
        for row in order[:EXAMPLES]
    ]


def strangest_rows(
    window: Window, contract: Contract, reference: Reference, column: str
) -> list[dict[str, Any]]:
    """Where no truth is in: those whose value of this column was the rarest in the reference."""
    rarity = np.max(
        [
            _rarity(part.values(window.matrix), reference.columns.get(part.name))
            for part in contract.parts_of(column)
        ],
        axis=0,
    )
    order = np.argsort(-rarity, kind="stable")
    values = answers_of(window.values)
    return [
        {
            "row": decoded(window.matrix[row], contract),
            "prediction": _label(values[row], contract),
        }
        for row in order[:EXAMPLES]
    ]


def decoded(cells: NDArray[np.float32], contract: Contract) -> dict[str, Any]:
    """One row as a caller sent it, but for sensitive columns, which are left out by the contract's word."""
    return {
        part.name: _plain(part, float(part.values(cells[np.newaxis])[0]))
        for part in contract.parts
        if not part.column.sensitive
    }


def _plain(part: Part, cell: float) -> Any:
    """Of a moment of which only parts are encoded, each of these."""
    column = part.column
    if np.isnan(cell):
        return None
    if column.type == "category":
        return column.levels[int(cell)]
    if column.type == "boolean":
        return bool(cell)
    if part.time == "days":
        return str((EPOCH + np.timedelta64(int(cell * 86_400), "s")).astype("M8[m]"))
    # The shortest number that float32 holds as this: 21.4, not 21.399999618530273.
    return int(cell) if column.type == "integer" else float(str(np.float32(cell)))


def _label(value: Any, contract: Contract) -> Any:
    if not contract.classes:
        return float(value)
    return contract.classes[int(value)] if value < len(contract.classes) else NO_CLASS


def _sureness(rows: TruthRows) -> NDArray[Any]:
    if rows.probabilities is None:
        return np.zeros(len(rows.values))
    codes = rows.values.astype(np.intp)[:, np.newaxis]
    return np.asarray(np.take_along_axis(rows.probabilities, codes, axis=1)[:, 0])


def _rarity(values: NDArray[np.float32], profile: Any) -> NDArray[np.float64]:
    """The greater, the rarer: 0 of a null, and of a column of which there is no profile."""
    rarity = np.zeros(len(values))
    present = ~np.isnan(values)
    if isinstance(profile, NumberProfile) and profile.quantiles:
        middle = profile.quantiles[len(profile.quantiles) // 2]
        # In deviations, so that parts of one column can be compared.
        rarity[present] = np.abs(values[present] - middle) / (profile.std or 1.0)
    elif isinstance(profile, CategoryProfile):
        counts = np.array(list(profile.counts.values()), np.float64)
        rarity[present] = 1 / (1 + counts[values[present].astype(np.intp)])
    return rarity
