"""Where the arms of a shadow answer differently: by the classes that they name, and by the model's slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.experiment.values import Disagreement
from monitoring.quality import slices_of
from monitoring.references import VersionReference
from monitoring.window import cells

MOST_PLACES = 12
#: A slice of fewer pairs is not shown.
LEAST_PAIRS = 50


def find_disagreement(
    rows: int, apart: float, records: Sequence[Mapping[str, Any]], version: VersionReference | None
) -> Disagreement:
    """`rows` pairs that lie `apart` from each other in all; `records` are the newest of them, which tell where."""
    value = apart / rows if rows else None
    is_class = any(record["champion_label"] is not None for record in records)
    places = list(_classes(records)) if is_class else []
    if version is not None and records:
        places += _slices(records, version, is_class)
    return Disagreement(rows=rows, value=value, places=places)


def _classes(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """By both answers, the most frequent differences first; and who of them was right where truth is in."""
    counts: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str, str]] = Counter()
    for record in records:
        answers = record["champion_label"], record["challenger_label"]
        if answers[0] != answers[1]:
            counts[answers] += 1
            right[(*answers, record["truth_label"])] += 1
    for answers, count in counts.most_common(MOST_PLACES):
        champion, challenger = answers
        yield {
            "where": f"{champion}, the challenger says {challenger}",
            "rows": count,
            "value": count / len(records),
            "champion_right": right[(*answers, champion)],
            "challenger_right": right[(*answers, challenger)],
        }


def _slices(
    records: Sequence[Mapping[str, Any]], version: VersionReference, is_class: bool
) -> list[dict[str, Any]]:
    """Those in which the arms lie farthest apart first."""
    matrix = cells.read_features(version.contract, [record["features"] for record in records])
    apart = _distances(records, is_class)
    slices = slices_of(matrix, version.contract, version.reference, version.rules.slices)
    places = [
        {"where": part.name, "rows": len(part.rows), "value": float(apart[part.rows].mean())}
        for part in slices
        if len(part.rows) >= LEAST_PAIRS
    ]
    places.sort(key=lambda place: -float(place["value"]))  # type: ignore[arg-type]
    return places[:MOST_PLACES]


def _distances(records: Sequence[Mapping[str, Any]], is_class: bool) -> NDArray[np.float64]:
    if is_class:
        differ = [record["champion_label"] != record["challenger_label"] for record in records]
        return np.array(differ, np.float64)
    numbers = [(record["champion_number"], record["challenger_number"]) for record in records]
    # Several outputs have no number of their own.
    pairs = np.array(numbers, np.float64).reshape(-1, 2)
    return np.asarray(np.nan_to_num(np.abs(pairs[:, 0] - pairs[:, 1])))
