"""Small pictures that the server draws: two histograms over each other, and a value over windows.

They stand in a table beside their numbers, need no script, and are drawn by templates/pictures.html.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from monitoring.findings.values import Finding
from monitoring.pages.words import number, percent

#: Of a picture, in units of its view box.
WIDTH, HEIGHT = 160.0, 40.0
#: More bars than this cannot be told apart: the rest of the categories are one bar.
MOST_BARS = 40
OTHERS = "all others"


class Bar(NamedTuple):
    """One bin: what falls into it, its share in the reference and in the window, and where it is drawn."""

    label: str
    reference: float
    window: float
    x: float
    width: float
    #: Heights, from the ground.
    reference_height: float
    window_height: float


class Histogram(NamedTuple):
    bars: tuple[Bar, ...]
    #: The reference as an outline.
    outline: str


def histogram(finding: Finding) -> Histogram | None:
    """Of a finding whose details have `reference` and `window`: shares or counts, by `edges` or `categories`."""
    details = finding.details
    labels = _labels(details)
    reference, window = _shares(details.get("reference"), labels), _shares(
        details.get("window"), labels
    )
    if not labels or len(reference) != len(labels) or len(window) != len(labels):
        return None
    return _drawn(*_shortened(labels, reference, window))


def _labels(details: Mapping[str, Any]) -> list[str]:
    edges = details.get("edges")
    if isinstance(edges, Sequence) and len(edges) > 1:
        return [f"{number(low)} to {number(high)}" for low, high in zip(edges, edges[1:])]
    categories = details.get("categories")
    if isinstance(categories, Sequence) and not isinstance(categories, str):
        return [str(name) for name in categories]
    names: dict[str, None] = {}
    for side in ("reference", "window"):
        if isinstance(details.get(side), Mapping):
            names |= dict.fromkeys(map(str, details[side]))
    return list(names)


def _shares(counts: Any, labels: Sequence[str]) -> list[float]:
    """Summing to 1, whether they were counts or shares."""
    if isinstance(counts, Mapping):
        counts = [counts.get(label, 0) for label in labels]
    if not isinstance(counts, Sequence) or isinstance(counts, str):
        return []
    values = [float(value or 0) for value in counts]
    total = sum(values)
    return [value / total if total else 0.0 for value in values]


def _shortened(
    labels: list[str], reference: list[float], window: list[float]
) -> tuple[list[str], list[float], list[float]]:
    if len(labels) <= MOST_BARS:
        return labels, reference, window
    cut = MOST_BARS - 1
    return (
        [*labels[:cut], OTHERS],
        [*reference[:cut], sum(reference[cut:])],
        [*window[:cut], sum(window[cut:])],
    )


def _drawn(labels: list[str], reference: list[float], window: list[float]) -> Histogram:
    top = max(*reference, *window, 1e-9)
    width = WIDTH / len(labels)
    bars = tuple(
        Bar(
            label,
            before,
            now,
            round(place * width, 2),
            round(width, 2),
            round(before / top * HEIGHT, 2),
            round(now / top * HEIGHT, 2),
        )
        for place, (label, before, now) in enumerate(zip(labels, reference, window))
    )
    steps = (f"L{bar.x:g} {HEIGHT - bar.reference_height:g} H{bar.x + bar.width:g}" for bar in bars)
    return Histogram(bars, f"M0 {HEIGHT:g} {' '.join(steps)} L{WIDTH:g} {HEIGHT:g}")


def histogram_words(picture: Histogram) -> str:
    """What a picture shows, for who cannot see it: where most moved."""
    bar = max(picture.bars, key=lambda bar: abs(bar.window - bar.reference))
    return (
        f"Most moved in {bar.label}: {percent(bar.reference)} in the reference,"
        f" {percent(bar.window)} in the window"
    )


class Sparkline(NamedTuple):
    """Pieces of a line, between which there were no values; where the bound and the last value are."""

    pieces: tuple[str, ...]
    bound: float | None
    last: tuple[float, float] | None


def sparkline(values: Sequence[float | None], bound: float | None = None) -> Sparkline | None:
    """From the oldest to the newest; None where there are not two."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(finite) < 2:
        return None
    ends = [*finite, *([bound] if bound is not None else [])]
    low, high = min(ends), max(ends)
    low, high = (low - 0.5, high + 0.5) if high == low else (low, high)

    def y(value: float) -> float:
        return round(HEIGHT - 3 - (value - low) / (high - low) * (HEIGHT - 6), 2)

    step = (WIDTH - 6) / max(len(values) - 1, 1)
    pieces: list[list[str]] = [[]]
    last = None
    for place, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pieces.append([])
            continue
        last = (round(3 + place * step, 2), y(value))
        pieces[-1].append(f"{last[0]:g},{last[1]:g}")
    lines = tuple(" ".join(points) for points in pieces if points)
    return Sparkline(lines, y(bound) if bound is not None else None, last)
