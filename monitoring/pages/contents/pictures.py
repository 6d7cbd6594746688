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


class Bar(NamedTuple):
    """One bin: its share of the reference, of the window and of the window before, and where it is drawn."""

    label: str
    reference: float
    window: float
    former: float | None
    x: float
    width: float
    #: From the ground.
    height: float


class Histogram(NamedTuple):
    """The window as bars; the reference and the window before as outlines."""

    bars: tuple[Bar, ...]
    reference: str
    former: str


def histogram(finding: Finding) -> Histogram | None:
    """As monitoring/drift draws it up: `histogram` by edges or `levels` by name, in the finding's details."""
    for name, read_labels in (("histogram", _intervals), ("levels", _names)):
        drawn = finding.details.get(name)
        if isinstance(drawn, Mapping):
            labels = read_labels(drawn)
            reference, window = _shares(drawn, "reference"), _shares(drawn, "window")
            former = _shares(drawn, "former")
            if labels and len(labels) == len(reference) == len(window):
                return _drawn(
                    labels, reference, window, former if len(former) == len(labels) else []
                )
    return None


def _intervals(drawn: Mapping[str, Any]) -> list[str]:
    edges = drawn.get("edges", [])
    return [f"{number(low)} to {number(high)}" for low, high in zip(edges, edges[1:])]


def _names(drawn: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in drawn.get("names", [])]


def _shares(drawn: Mapping[str, Any], side: str) -> list[float]:
    return [float(share or 0) for share in drawn.get(side, [])]


def _drawn(
    labels: list[str], reference: list[float], window: list[float], former: list[float]
) -> Histogram:
    top = max(*reference, *window, *former, 1e-9)
    width = WIDTH / len(labels)
    bars = tuple(
        Bar(
            label,
            reference[place],
            window[place],
            former[place] if former else None,
            round(place * width, 2),
            round(width, 2),
            round(window[place] / top * HEIGHT, 2),
        )
        for place, label in enumerate(labels)
    )
    return Histogram(bars, _outline(reference, top), _outline(former, top))


def _outline(shares: list[float], top: float) -> str:
    """Steps over the bins, as the path of an SVG; nothing where there are none."""
    if not shares:
        return ""
    width = WIDTH / len(shares)
    steps = (
        f"V{HEIGHT * (1 - share / top):.2f} H{(place + 1) * width:.2f}"
        for place, share in enumerate(shares)
    )
    return f"M0 {HEIGHT:g} {' '.join(steps)} V{HEIGHT:g}"


def histogram_words(picture: Histogram) -> str:
    """What a picture shows, for who cannot see it: where most moved."""
    most = max(picture.bars, key=lambda each: abs(each.window - each.reference))
    return (
        f"Most moved in {most.label}: {percent(most.reference)} in the reference,"
        f" {percent(most.window)} in the window"
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
